"""Says which names there are, where a name is asked for that does not exist."""

from collections.abc import Iterable
from typing import Final

from rollback_drills.documents.quotation import show
from rollback_drills.names.keys import first_spellings
from rollback_drills.names.similar_names import find_similar
from rollback_drills.rendering.long_lists import name_some
from rollback_drills.rendering.sentences import one_line

_MOST_SHOWN: Final = 20
_MOST_COMPARED: Final = 1_000
"""With more names, finding a similar one would take longer than whoever asks should cost."""


def explain_unknown(what: str, asked: str, names: Iterable[str]) -> str:
    """Return that there is no such name, which names there are, and which of them may be meant.

    Args:
        what: What the name is of, such as `owner`.
        asked: The name.
        names: Those there are, in the order in which they are shown.
    """
    return f"there is no {what} {show(asked)}; {list_known(asked, names)}"


def list_known(asked: str, names: Iterable[str]) -> str:
    """Return which names there are, and which of them may be meant."""
    shown = list(first_spellings(map(one_line, names)).values())
    if not shown:
        return "there is none yet"
    near = find_similar(asked, shown) if len(shown) <= _MOST_COMPARED else ""
    hint = f". Did you mean {near}?" if near else ""
    there = f"there {'are' if len(shown) > 1 else 'is'} {name_some(shown, _MOST_SHOWN)}"
    return f"{there}{hint}"
