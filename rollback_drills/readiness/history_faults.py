"""Finds mistakes in a drill history that no other check of its report names."""

from collections.abc import Iterator, Sequence
from typing import Final

from rollback_drills.documents.history import OUTCOMES, Drill, History
from rollback_drills.documents.quotation import show
from rollback_drills.documents.similar_names import find_similar
from rollback_drills.names.keys import is_same
from rollback_drills.readiness.terms import Mode
from rollback_drills.rendering.relative_time import join_sentences

WORDS: Final = "go_rollback_drill_history_words"
ENVIRONMENT: Final = "go_rollback_drill_history_environment"
SHARED: Final = "go_rollback_drill_history_shared"
WARNINGS: Final = frozenset({WORDS, ENVIRONMENT, SHARED})
"""The checks that only a history with such a mistake has."""
_MOST_NAMED: Final = 3
_VOCABULARY: Final = {"status": OUTCOMES, "source_mode": tuple(Mode), "target_mode": tuple(Mode)}
_NO_FAULTS: Final[dict[str, str]] = {}
_OUTCOMES: Final = frozenset({"", *OUTCOMES})
_MODES: Final = frozenset({"", *map(str, Mode)})


def find_history_faults(history: History, *, environment: str, shared: str) -> dict[str, str]:
    """Return, by the id of a check, path, value and remedy of each kind of mistake; empty if there is none.

    Args:
        history: The history.
        environment: The environment of the schedule; empty if it is not known.
        shared: Which of its drills another schedule uses, as `find_shared_drills` says.
    """
    if not shared and environment in ("", history.environment) and has_known_words(history.drills):
        return _NO_FAULTS
    faults = {}
    if words := list(find_unknown_words(history.drills)):
        more = [f"and {len(words) - _MOST_NAMED} more"] if len(words) > _MOST_NAMED else []
        faults[WORDS] = join_sentences(*words[:_MOST_NAMED], *more)
    if _differs(history.environment, environment):
        faults[ENVIRONMENT] = (
            f"$.environment is {show(history.environment)}, but the schedule is for {show(environment)};"
            " use the history of that environment, or correct one of them"
        )
    if shared:
        faults[SHARED] = shared
    return faults


def has_known_words(drills: Sequence[Drill]) -> bool:
    """Whether every status and mode is a known word, or absent."""
    for drill in drills:  # a fleet has tens of thousands, and this is the cheapest way to look at them
        if (
            drill.status not in _OUTCOMES
            or drill.source_mode not in _MODES
            or drill.target_mode not in _MODES
        ):
            return False
    return True


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


def _differs(one: str, other: str) -> bool:
    return bool(one and other) and one != other and not is_same(one, other)
