"""Finds mistakes in a drill history that no other check of its report names."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from rollback_drills.documents.history import OUTCOMES, Drill, History
from rollback_drills.documents.quotation import show
from rollback_drills.names.keys import is_same, name_key
from rollback_drills.names.similar_names import find_digits, find_similar
from rollback_drills.readiness.states import Mode
from rollback_drills.rendering.sentences import join_sentences

WORDS: Final = "go_rollback_drill_history_words"
ENVIRONMENT: Final = "go_rollback_drill_history_environment"
SHARED: Final = "go_rollback_drill_history_shared"
REPEATS: Final = "go_rollback_drill_history_repeats"
SEVERITIES: Final = "go_rollback_drill_history_severities"
WARNINGS: Final = frozenset({WORDS, ENVIRONMENT, SHARED, REPEATS, SEVERITIES})
"""The checks that only a history with such a mistake has."""
_MOST_NAMED: Final = 3
_SIMILAR_SEVERITY: Final = 0.7
_VOCABULARY: Final = {"status": OUTCOMES, "source_mode": tuple(Mode), "target_mode": tuple(Mode)}
_NO_FAULTS: Final[dict[str, str]] = {}
_OUTCOMES: Final = frozenset({"", *OUTCOMES})
_MODES: Final = frozenset({"", *map(str, Mode)})


def find_history_faults(
    history: History, *, environment: str, shared: str, blocking: Collection[str] = ()
) -> dict[str, str]:
    """Return, by the id of a check, path, value and remedy of each kind of mistake; empty if there is none.

    Args:
        history: The history.
        environment: The environment of the schedule; empty if it is not known.
        shared: Which of its drills another schedule uses, as `find_shared_drills` says.
        blocking: The severities of open findings that need attention.
    """
    drills = history.drills
    is_plain = _is_plainly_right(drills)
    if is_plain and not shared and not blocking and environment in ("", history.environment):
        return _NO_FAULTS
    faults = {}
    if not is_plain:
        if words := list(find_unknown_words(drills)):
            faults[WORDS] = _join(words)
        if repeats := list(find_repeats(drills)):
            faults[REPEATS] = _join(repeats)
    if severities := list(find_unlike_severities(drills, blocking)):
        faults[SEVERITIES] = _join(severities)
    if _differs(history.environment, environment):
        faults[ENVIRONMENT] = (
            f"$.environment is {show(history.environment)}, but the schedule is for {show(environment)};"
            " use the history of that environment, or correct one of them"
        )
    if shared:
        faults[SHARED] = shared
    return faults


def _is_plainly_right(drills: Sequence[Drill]) -> bool:
    """Whether all words are known, each drill has an id of its own, and no finding is named.

    False if that is unclear. A fleet has tens of thousands of drills, and this is the cheapest way to look at
    them.
    """
    for drill in drills:
        if (
            drill.status not in _OUTCOMES
            or drill.source_mode not in _MODES
            or drill.target_mode not in _MODES
            or drill.findings
        ):
            return False
    return len({name_key(drill.drill_id) for drill in drills}) == len(drills)


def find_unknown_words(drills: Sequence[Drill]) -> Iterator[str]:
    """Yield path, value and remedy of every status and mode that is not a known word."""
    for index, drill in enumerate(drills):
        for key, words in _VOCABULARY.items():
            value = getattr(drill, key)
            if value and value not in words:
                yield f"$.drills[{index}].{key} is {show(value)}; {explain_words(value, words)}"


def explain_words(value: str, words: Sequence[str]) -> str:
    """Return which words are known, and which one was probably meant."""
    near = find_similar(value, words)
    meant = f'; did you mean "{near}"?' if near else ""
    return f"must be one of {', '.join(words)}{meant}"


def find_repeats(drills: Sequence[Drill]) -> Iterator[str]:
    """Yield the ids that two drills have, or two findings of one drill; of these only the last one counts."""
    seen: dict[str, int] = {}
    for place, drill in enumerate(drills):
        first = seen.setdefault(name_key(drill.drill_id), place)
        if drill.drill_id and first != place:
            what = f"$.drills[{place}].drill_id is {show(drill.drill_id)}"
            yield f"{what}, which $.drills[{first}] has too; give each drill an id of its own"
        named: dict[str, int] = {}
        for number, finding in enumerate(drill.findings):
            earlier = named.setdefault(name_key(finding.finding_id), number)
            if earlier != number:
                what = f"$.drills[{place}].findings[{number}].finding_id is {show(finding.finding_id)}"
                yield f"{what}, which $.drills[{place}].findings[{earlier}] has too; keep one of them"


def find_unlike_severities(drills: Sequence[Drill], blocking: Collection[str]) -> Iterator[str]:
    """Yield the severities of open findings that do not block, but are almost spelt like one that does."""
    keys = {name_key(each): each for each in blocking}
    for place, drill in enumerate(drills if blocking else ()):
        for number, finding in enumerate(drill.findings):
            key = name_key(finding.severity)
            if finding.closed_at or key in keys:
                continue
            near = find_similar(key, keys, similar=_SIMILAR_SEVERITY)
            if near and near not in key and key not in near and find_digits(near) == find_digits(key):
                yield (
                    f"$.drills[{place}].findings[{number}].severity is {show(finding.severity)}, but"
                    f" blocking_severities has {show(keys[near])}; use one spelling in both"
                )


def _join(mistakes: Sequence[str]) -> str:
    more = [f"and {len(mistakes) - _MOST_NAMED} more"] if len(mistakes) > _MOST_NAMED else []
    return join_sentences(*mistakes[:_MOST_NAMED], *more)


def _differs(one: str, other: str) -> bool:
    return bool(one and other) and one != other and not is_same(one, other)
