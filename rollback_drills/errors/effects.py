"""Counts what this process has written, so that an error does not say that nothing was sent or written."""

from typing import Final


class _Effects:
    count = 0


_noted: Final = _Effects()


def note_effect() -> None:
    """Note that something was written. A notification counts as well: it is committed before it is sent."""
    _noted.count += 1


def count_effects() -> int:
    """Return how often something was written since the process started."""
    return _noted.count
