"""How many examples a property is tried with."""

import os
from typing import Final

MANY: Final = "DRILLS_TEST_MANY_EXAMPLES" in os.environ
_FEWER: Final = 5


def examples(many: int, *, elsewhere: int | None = None) -> int:
    """Return this number in `make chaos`, and a fifth of it or the other one elsewhere."""
    if MANY:
        return many
    return max(many // _FEWER, 1) if elsewhere is None else elsewhere
