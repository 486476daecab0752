"""How many examples a property is tried with."""

import os
from typing import Final

MANY: Final = "DRILLS_TEST_MANY_EXAMPLES" in os.environ
_FEWER: Final = 5


def examples(many: int) -> int:
    """Return this number in `make chaos`, and a fifth of it elsewhere."""
    return many if MANY else max(many // _FEWER, 1)
