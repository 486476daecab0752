"""Finds drills that count for more than one schedule: each drill proves the rollback of one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from rollback_drills.documents.history import Drill
from rollback_drills.documents.quotation import show
from rollback_drills.documents.subject import DrillKey, Subject
from rollback_drills.names.keys import name_key

_MOST_NAMED: Final = 3


def find_shared_drills(
    subjects: Sequence[Subject], elsewhere: Mapping[DrillKey, str] = MappingProxyType({})
) -> dict[int, str]:
    """Return, by the place of a schedule, which drills of its history another schedule uses too.

    Args:
        subjects: The schedules.
        elsewhere: Drills of theirs that a schedule outside of them uses too, with its name.
    """
    drills = [_drills_of(subject) for subject in subjects]
    ids = [each.drill_id for some in drills for each in some if each.drill_id]
    if not elsewhere and _are_all_different(ids):
        return {}
    keys = Counter(_key(each) for some in drills for each in some if each.drill_id)
    users: dict[DrillKey, dict[int, None]] = {key: {} for key, count in keys.items() if count > 1}
    for place, some in enumerate(drills if users else ()):
        for each in some:
            if (key := _key(each)) in users:
                users[key][place] = None

    def find_other(place: int, drill: Drill) -> str:
        """Return the name of another schedule that uses a drill; empty if there is none."""
        key = _key(drill)
        others = (each for each in users.get(key, ()) if each != place)
        return next((_name(subjects[each]) for each in others), elsewhere.get(key, ""))

    return {
        place: text
        for place, some in enumerate(drills if users or elsewhere else ())
        if (text := _explain([(*each, find_other(place, each[1])) for each in enumerate(some)]))
    }


def _are_all_different(ids: Sequence[str]) -> bool:
    """Whether no id is there twice, in any spelling; most are their own keys, which is seen at once."""
    text = "".join(ids)
    are_keys = text.isascii() and " " not in text and text == text.lower()
    return len(set(ids if are_keys else map(name_key, ids))) == len(ids)


def _explain(drills: Sequence[tuple[int, Drill, str]]) -> str:
    """Name the drills that another schedule uses, each given with its place and that schedule."""
    shared = [(index, drill, other) for index, drill, other in drills if drill.drill_id and other]
    texts = [
        f"$.drills[{index}].drill_id is {show(drill.drill_id)}, which {other} uses too"
        for index, drill, other in shared[:_MOST_NAMED]
    ]
    if len(shared) > _MOST_NAMED:
        texts.append(f"so are {len(shared) - _MOST_NAMED} more")
    return "; ".join([*texts, "keep each drill in the history of its own schedule"]) if texts else ""


def _drills_of(subject: Subject) -> Sequence[Drill]:
    return subject.history.document.drills if subject.history and subject.history.document else ()


def _key(drill: Drill) -> DrillKey:
    return name_key(drill.drill_id), drill.executed_at


def _name(subject: Subject) -> str:
    schedule = subject.schedule
    if schedule is None:
        return "another schedule"
    return (schedule.document.schedule_id if schedule.document else "") or schedule.path
