"""Finds drills that count for more than one schedule: each drill proves the rollback of one."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rollback_drills.documents.fleet import Subject
from rollback_drills.documents.history import Drill
from rollback_drills.documents.quotation import show

_MOST_NAMED: Final = 3
Key = tuple[str, object]


def find_shared_drills(subjects: Sequence[Subject]) -> dict[int, str]:
    """Return, by the place of a schedule, which drills of its history another schedule uses too.

    A drill is known by its id and its time: short ids such as `drill-1` may come again elsewhere.
    """
    drills = [_drills_of(subject) for subject in subjects]
    ids = [each.drill_id for some in drills for each in some if each.drill_id]
    if len(set(ids)) == len(ids):
        return {}
    keys = Counter(_key(each) for some in drills for each in some if each.drill_id)
    users: dict[Key, dict[int, None]] = {key: {} for key, count in keys.items() if count > 1}
    for place, some in enumerate(drills if users else ()):
        for each in some:
            if (key := _key(each)) in users:
                users[key][place] = None
    return {
        place: text
        for place, some in enumerate(drills if users else ())
        if (text := _explain(place, some, users, subjects))
    }


def _explain(
    place: int, drills: Sequence[Drill], users: dict[Key, dict[int, None]], subjects: Sequence[Subject]
) -> str:
    shared = [
        (index, drill, other)
        for index, drill in enumerate(drills)
        if drill.drill_id
        and (other := next((each for each in users.get(_key(drill), ()) if each != place), None)) is not None
    ]
    texts = [
        f"$.drills[{index}].drill_id is {show(drill.drill_id)}, which {_name(subjects[other])} uses too"
        for index, drill, other in shared[:_MOST_NAMED]
    ]
    if len(shared) > _MOST_NAMED:
        texts.append(f"so are {len(shared) - _MOST_NAMED} more")
    return "; ".join([*texts, "keep each drill in the history of its own schedule"]) if texts else ""


def _drills_of(subject: Subject) -> Sequence[Drill]:
    return subject.history.document.drills if subject.history and subject.history.document else ()


def _key(drill: Drill) -> Key:
    return drill.drill_id, drill.executed_at


def _name(subject: Subject) -> str:
    schedule = subject.schedule
    if schedule is None:
        return "another schedule"
    return (schedule.document.schedule_id if schedule.document else "") or schedule.path
