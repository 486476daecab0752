"""Records of the evidence, whether they are values or as they were written."""

from typing import TypeVar

import msgspec

R = TypeVar("R")


def changed(record: R, **facts: object) -> R:
    """Return a record that says something else."""
    if isinstance(record, msgspec.Struct):
        return msgspec.structs.replace(record, **facts)
    return {**record, **facts}  # type: ignore[dict-item,return-value]
