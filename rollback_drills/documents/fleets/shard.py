"""A shard: the part of a large fleet that one run checks."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from rollback_drills.documents.quotation import show
from rollback_drills.errors import UsageError
from rollback_drills.names.lookalikes import look_of

MOST_SHARDS: Final = 1000
_WRITTEN: Final = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts into which schedules fall by their names, the same in every run."""

    number: int
    """From 1."""
    count: int

    def __str__(self) -> str:
        """Write it as people and parameters do: `3/8`."""
        return f"{self.number}/{self.count}"

    def holds(self, name: str) -> bool:
        """Return whether a schedule of this name belongs to the shard.

        Names that are the same or look the same are in one shard, so that it can compare them.
        """
        return self.has_place(find_place(name))

    def has_place(self, place: int) -> bool:
        """Return whether a schedule of this place belongs to the shard."""
        return place % self.count == self.number - 1


def find_place(name: str) -> int:
    """Return a hash of what a name looks like, from which the shard of its schedule follows."""
    return int.from_bytes(blake2b(look_of(name).encode(errors="surrogatepass"), digest_size=8).digest())


def read_shard(text: str) -> Shard:
    """Read what a caller wrote.

    Raises:
        UsageError: It is not a shard.
    """
    written = _WRITTEN.fullmatch(text.strip())
    shard = Shard(*map(int, written.groups())) if written else Shard(0, 0)
    if not 1 <= shard.number <= shard.count <= MOST_SHARDS:
        raise UsageError(
            f"is {show(text)}; write NUMBER/COUNT, such as 3/8 for the third of eight shards, with at most"
            f" {MOST_SHARDS:,} shards",
            field="shard",
        )
    return shard


def find_shards(schedule_count: int, shard_size: int) -> list[Shard]:
    """Return the shards of a fleet, each of about `shard_size` schedules or fewer; one if it is small."""
    count = min(max(-(-schedule_count // shard_size), 1), MOST_SHARDS)
    return [Shard(number, count) for number in range(1, count + 1)]
