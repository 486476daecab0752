"""What every record of the evidence carries; each kind is a Struct of the room that knows it."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from rollback_drills import PRODUCT
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.redaction.computed import Computed

RECORD_SCHEMA: Final = "cavra.evidence.metadata.v1"
_START: Final = ("schema_version", "product", "session_id", "created_at", "metadata_kind", "signer")


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="metadata_kind"):
    """A record of the evidence (contract §5): a Struct for each kind, which is its tag.

    It holds what is written: an instant is a text of `write_instant`. What a row has only sometimes is UNSET
    if it is not there. Keys that the Struct does not know are ignored.
    """

    schema_version: Computed = RECORD_SCHEMA
    product: Computed = PRODUCT
    session_id: str
    created_at: Computed
    """The clock of the evidence."""
    signer: str
    """Who wrote it: a person, a command or a flow."""
    flow_run_id: Computed | UnsetType = UNSET
    """The Prefect flow run that wrote it."""
    once_key: str | UnsetType = UNSET
    """The key under which it is written only once."""
    leaf_index: int | UnsetType = UNSET
    """Its row in the ledger."""

    @classmethod
    def kind(cls) -> str:
        """Return the kind of these records."""
        return str(cls.__struct_config__.tag)

    @property
    def times(self) -> Sequence[datetime]:
        """The times in it that readers need; a row that has another text there is damaged."""
        return ()

    def to_wire(self) -> PlainJson:
        """Return it as JSON has it."""
        written: PlainJson = msgspec.to_builtins(self)
        return {**{name: written[name] for name in _START}, **written}


R = TypeVar("R", bound=Record)


class Keep(Protocol):
    """Makes of a record what is kept: redacted, with the flow run that writes it."""

    def __call__(self, record: R, /) -> R:
        """Return what is kept."""


def make_once_key(*parts: object) -> str:
    """Return the key under which a record is written only once: its kind, and what it is about."""
    return sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def name_run(record: R, flow_run_id: str) -> R:
    """Return a record with the flow run that writes it; as it is if there is none."""
    return msgspec.structs.replace(record, flow_run_id=flow_run_id) if flow_run_id else record
