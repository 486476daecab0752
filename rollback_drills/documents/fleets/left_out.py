"""Names the documents of a folder or glob that no schedule of it uses: what they say counts for nothing."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from rollback_drills.documents.fleets.history_pairs import Histories, NamedFile
from rollback_drills.rendering.long_lists import name_some

_MOST_SHOWN: Final = 3


def explain_left_out(
    files: Sequence[NamedFile], histories: Histories, keys: Collection[str]
) -> Iterator[str]:
    """Yield what is left out of a fleet, and what to do about it.

    Args:
        files: All that was found where the schedules are.
        histories: By key the histories that were found, there or at a place of their own.
        keys: Those of the schedules.
    """
    records = [each.shown for each in files if each.kind == "records"]
    if records:
        shown = name_some(records, _MOST_SHOWN)
        yield f"{shown}: left out of this fleet; name a .jsonl file alone to check it"
    unused = [each.shown for key, some in histories.items() if key not in keys for each in some]
    if unused:
        shown = name_some(unused, _MOST_SHOWN)
        yield (
            f"{shown}: belongs to no schedule, and its drills count for nothing; give it the name of its"
            " schedule, with the word history in place of schedule"
        )
