"""An index of a `.jsonl` file, with which each shard reads its own records and no others.

One process makes it and keeps it in a private folder for temporary files; others on the same machine find it
there. It belongs to one state of the file: if that changes, it is made again. It holds positions and hashes.
"""

import os
import stat
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final, Self

import msgspec

from rollback_drills.documents.fleets.glimpse import glimpse_drill_keys, glimpse_schedule_id
from rollback_drills.documents.fleets.json_lines import Line, read_lines
from rollback_drills.documents.fleets.shard import Shard, find_place
from rollback_drills.documents.reading.reader import hide_folder
from rollback_drills.documents.subject import DrillKey, Subject, find_drills

_SETTLED_SECONDS: Final = 2.0
"""A file that changed later than this may change again without a new time."""
_FORMAT: Final = 2
"""What an index holds; another version of the program does not read it."""
_SEEN_BITS: Final = 1 << 27
FileState = tuple[int, ...]
"""What changes when a file is replaced or written: which file it is, its size, and when it was changed."""


class ChangedFileError(Exception):
    """The file is not the one that was indexed."""


@dataclass(frozen=True, slots=True)
class RecordsIndex:
    """Where the records of a file are, and to which shards they belong."""

    state: FileState
    numbers: "array[int]"
    offsets: "array[int]"
    lengths: "array[int]"
    places: "array[int]"
    """By record the hash of its id, from which its shard follows."""
    unclear: frozenset[int]
    """Records that must be read to know whose they are, or which drills they have."""
    keys: "array[int]"
    """Hashes of drills that several records have, in their order."""
    users: "array[int]"
    """By such a hash one of those records; the hash comes as often as there are some."""

    def find_own(self, shard: Shard, identify: Callable[[int], str]) -> list[int]:
        """Return the records of a shard; those that are unclear are identified."""
        count, wanted = shard.count, shard.number - 1
        own = {record for record, place in enumerate(self.places) if place % count == wanted}
        return sorted(own - self.unclear | {each for each in self.unclear if shard.holds(identify(each))})

    def find_users(self, shard: Shard, records: Sequence[int], drills: Sequence[DrillKey]) -> list[int]:
        """Return records of other shards that may have one of the drills of these: of each the first one.

        All others, if some are unclear: the index does not know which records have their drills too.
        """
        if not self.unclear.isdisjoint(records):
            return sorted(set(range(len(self.places))).difference(records))
        wanted = set(map(_hash_drill, drills)) if self.keys else set()
        found: dict[int, int] = {}
        for key, record in zip(self.keys, self.users, strict=True):
            if key in wanted and key not in found and not shard.has_place(self.places[record]):
                found[key] = record
        return sorted({*found.values(), *self.unclear})

    @contextmanager
    def reading(self, path: str) -> Iterator[Callable[[int], Line]]:
        """Open the file, and return what reads a record of it.

        Raises:
            ChangedFileError: It has changed since it was indexed, or changes meanwhile.
        """
        shown, folder = hide_folder(path), os.path.dirname(path)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            raise ChangedFileError from None

        def read(record: int) -> Line:
            try:
                data = os.pread(descriptor, self.lengths[record], self.offsets[record])
            except OSError:  # of a network file system that is gone, or has another file
                raise ChangedFileError from None
            number = self.numbers[record]
            return Line(number, data, f"{shown}:{number}", folder, self.offsets[record])

        try:
            self._require(descriptor)
            yield read
            self._require(descriptor)
        finally:
            os.close(descriptor)

    def _require(self, descriptor: int) -> None:
        if _to_state(os.fstat(descriptor)) != self.state:
            raise ChangedFileError


class _Stored(msgspec.Struct, array_like=True):
    """An index as it is kept."""

    state: FileState
    columns: list[bytes]
    unclear: list[int]

    @classmethod
    def of(cls, index: RecordsIndex) -> Self:
        columns = (index.numbers, index.offsets, index.lengths, index.places, index.keys, index.users)
        return cls(index.state, [each.tobytes() for each in columns], sorted(index.unclear))

    def open(self) -> RecordsIndex:
        numbers, offsets, lengths, places, keys, users = (array("Q", each) for each in self.columns)
        return RecordsIndex(
            self.state, numbers, offsets, lengths, places, frozenset(self.unclear), keys, users
        )


def index_records(path: str) -> RecordsIndex:
    """Return the index of a file, as it was kept or made again.

    Raises:
        UsageError: The file cannot be read, or has no record.
    """
    kept = _name_kept(path)
    with suppress(OSError, msgspec.MsgspecError, ValueError):
        if kept:
            with open(kept, "rb") as file:
                stored = msgspec.msgpack.decode(file.read(), type=_Stored)
            if stored.state == _to_state(os.stat(path)):
                return stored.open()
    index = _make_index(path)
    if kept and _is_settled(index.state):
        with suppress(OSError):
            new = f"{kept}.{os.getpid()}"
            with open(new, "wb") as file:
                file.write(msgspec.msgpack.encode(_Stored.of(index)))
            os.replace(new, kept)
    return index


def find_file_state(path: str) -> FileState:
    """Return the state of a file; empty if there is no such file."""
    try:
        return _to_state(os.stat(path))
    except OSError:
        return ()


def _make_index(path: str) -> RecordsIndex:
    state = find_file_state(path)  # if there is none, reading says why, unless it comes back meanwhile
    numbers, offsets, lengths, places = (array("Q") for _ in range(4))
    unclear: set[int] = set()
    seen, repeated = bytearray(_SEEN_BITS // 8), set[int]()
    for record, line in enumerate(read_lines(path)):
        schedule_id, drill_keys = glimpse_schedule_id(line.data), glimpse_drill_keys(line.data)
        if not schedule_id or drill_keys is None:
            unclear.add(record)
        numbers.append(line.number)
        offsets.append(line.offset)
        lengths.append(len(line.data))
        places.append(find_place(schedule_id))
        for each in drill_keys or ():
            bit = hash(each) % _SEEN_BITS
            if seen[bit >> 3] & 1 << (bit & 7):
                repeated.add(bit)
            seen[bit >> 3] |= 1 << (bit & 7)
    del seen
    index = RecordsIndex(state, numbers, offsets, lengths, places, frozenset(unclear), array("Q"), array("Q"))
    with suppress(ChangedFileError):
        for key, record in _find_shared(path, index, repeated):
            index.keys.append(key)
            index.users.append(record)
    return index


def _find_shared(path: str, index: RecordsIndex, repeated: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the drills that several records have, with each of those, in their order.

    Ids may come again elsewhere, such as `drill-1`: only records that have such an id are read.
    """
    used: list[tuple[int, int]] = []
    with index.reading(path) as read:
        for record in range(len(index.places) if repeated else 0):
            line = read(record)
            keys = glimpse_drill_keys(line.data) or ()
            if record not in index.unclear and any(hash(each) % _SEEN_BITS in repeated for each in keys):
                used += ((_hash_drill(each), record) for each in set(find_drills(Subject(*line.read()))))
    used.sort()
    several = {one[0] for one, other in pairwise(used) if one[0] == other[0]}
    return (each for each in used if each[0] in several)


def _hash_drill(drill: DrillKey) -> int:
    key, executed_at = drill
    text = f"{key}\0{executed_at.timestamp() if executed_at else ''}"
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest())


def _is_settled(state: FileState) -> bool:
    return bool(state) and time.time() - state[3] / 1e9 > _SETTLED_SECONDS


def _to_state(status: os.stat_result) -> FileState:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _name_kept(path: str) -> str:
    """Return where the index of a file is kept; empty if there is no folder that only this user may write."""
    if not hasattr(os, "getuid"):  # only POSIX says whose a folder is
        return ""
    folder = os.path.join(tempfile.gettempdir(), f"rollback-drills-{os.getuid()}")
    try:
        os.makedirs(folder, mode=stat.S_IRWXU, exist_ok=True)
        status = os.lstat(folder)
    except OSError:
        return ""
    others_may_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if status.st_uid != os.getuid() or others_may_write or not stat.S_ISDIR(status.st_mode):
        return ""
    name = blake2b(os.path.abspath(path).encode(errors="surrogateescape"), digest_size=16).hexdigest()
    return os.path.join(folder, f"{name}.{_FORMAT}.index")
