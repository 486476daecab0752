"""Records of the evidence, whether they are values or as they were written."""

from typing import TypeVar

import msgspec

from rollback_drills.evidence import record_kinds

R = TypeVar("R")

RECORD_KINDS = [kind for name, kind in vars(record_kinds).items() if name.endswith("_KIND")]
"""The kinds that the evidence has."""


def changed(record: R, **facts: object) -> R:
    """Return a record that says something else."""
    if isinstance(record, msgspec.Struct):
        return msgspec.structs.replace(record, **facts)
    return {**record, **facts}  # type: ignore[dict-item,return-value]
