"""Refuses schedules that have the same id, and names those whose ids only look the same."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from rollback_drills.documents.fleets.document_search import find_links
from rollback_drills.documents.quotation import show
from rollback_drills.documents.subject import Subject
from rollback_drills.names.keys import name_key
from rollback_drills.names.lookalikes import explain_lookalike, find_lookalikes

_MOST_SHOWN: Final = 3


def refuse_duplicates(subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
    """Make schedules unusable that have the same id: nobody knows which one is meant.

    A file that is found by a link too counts once; only the link is refused.
    """
    keys = [
        key for each in subjects if (key := name_key(each.schedule_id))
    ]  # those without an id are refused for that
    if len(set(keys)) == len(keys):
        return subjects
    ids = Counter(keys)
    namesakes: dict[str, list[Subject]] = {}
    for subject in subjects:
        if ids[name_key(subject.schedule_id)] > 1:
            namesakes.setdefault(name_key(subject.schedule_id), []).append(subject)
    links: dict[str, str] = {}
    for key, some in namesakes.items():
        found = find_links(
            [
                (each.schedule.path, each.schedule.file)
                for each in some
                if each.schedule and each.schedule.file
            ]
        )
        namesakes[key] = [each for each in some if each.schedule and each.schedule.path not in found]
        links |= found
    return tuple(
        _refuse(subject, namesakes.get(name_key(subject.schedule_id), []), links) for subject in subjects
    )


def _refuse(subject: Subject, namesakes: list[Subject], links: dict[str, str]) -> Subject:
    if subject.schedule is None:
        return subject
    if target := links.get(subject.schedule.path):
        problem = f"is a link to {target}, which is read already; remove the link"
    elif len(namesakes) > 1:
        problem = _explain_duplicate(subject.schedule.path, subject.schedule_id, namesakes)
    else:
        return subject
    problem = f"{subject.schedule.path}: {problem}"
    refused = msgspec.structs.replace(subject.schedule, document=None, problem=problem, without_offset=())
    return msgspec.structs.replace(subject, schedule=refused)


def _explain_duplicate(path: str, schedule_id: str, namesakes: list[Subject]) -> str:
    others = [
        _locate(each, schedule_id) for each in namesakes if each.schedule and each.schedule.path != path
    ] or ["another record"]
    shown = ", ".join(others[:_MOST_SHOWN]) + (" …" if len(others) > _MOST_SHOWN else "")
    have = "has" if len(others) == 1 else "have"
    return f"$.schedule_id is {show(schedule_id)}, which {shown} {have} too; rename one"


def explain_lookalikes(subjects: tuple[Subject, ...]) -> Iterator[str]:
    """Yield the pairs of ids that look the same and are not."""
    pairs = list(find_lookalikes(filter(None, (each.schedule_id for each in subjects))))
    places = {each.schedule_id: each.schedule.path for each in subjects if pairs and each.schedule}
    for first, second in pairs:
        yield explain_lookalike(places[second], "$.schedule_id", first, second, f"of {places[first]}")


def _locate(namesake: Subject, schedule_id: str) -> str:
    """Return the path of a schedule, and how it spells the id if it spells it differently."""
    path = namesake.schedule.path if namesake.schedule else ""
    own = namesake.schedule_id
    return path if own == schedule_id else f"{path} (spelt {show(own)})"
