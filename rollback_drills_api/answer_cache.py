"""Answers that are kept ready for a moment, so that many readers cost as much as one."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from rollback_drills.redaction.redactor import redactor_in_use
from rollback_drills_api.shared_failure import SharedFailure

_FRESH_SECONDS: Final = 1.0
"""So long nobody asks whether an answer is still right."""
_TIMES_ITS_COST: Final = 20.0
"""Where much is written, an answer stays for so many times what it took to make."""
_LONGEST_SECONDS: Final = 60.0
"""So old an answer becomes at most: times that pass, such as ages, are in many."""
_MOST_KEPT: Final = 512
_MOST_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    content: bytes
    until: float
    made_at: float
    version: str


class Answers:
    """The newest answers by what was asked; each is made by one thread at a time."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[Hashable, _Kept] = {}
        self._making: dict[Hashable, SharedFailure] = {}
        self._lock = threading.Lock()
        self._size = 0
        self._generation = 0

    async def give(
        self,
        key: Hashable,
        version: Callable[[], str],
        make: Callable[[], Any],
        media_type: str = "application/json",
    ) -> Response:
        """Return an answer, from those that are kept or made in a thread.

        Args:
            key: What was asked.
            version: Gives the version of what the answer is made of; while that stays, so does the answer.
            make: Builds the document, or the bytes as they are.
            media_type: Of the answer.
        """
        kept = self._kept.get(key)
        if kept is None or kept.until < time.monotonic():
            content = await run_in_threadpool(self._make, key, version, make)
        else:
            content = kept.content
        return Response(content, media_type=media_type)

    def forget(self) -> None:
        """Forget everything, because something was written; what is being made now is not kept either."""
        with self._lock:
            self._generation += 1
            self._kept.clear()
            self._making.clear()
            self._size = 0

    def _make(self, key: Hashable, version: Callable[[], str], make: Callable[[], Any]) -> bytes:
        with self._lock:
            making = self._making.setdefault(key, SharedFailure())
        try:
            with making.attempt():
                return self._make_alone(key, version, make)
        finally:  # also of what cannot be made: anybody may ask for any name
            with self._lock:
                self._making.pop(key, None)

    def _make_alone(self, key: Hashable, version: Callable[[], str], make: Callable[[], Any]) -> bytes:
        generation, kept, started = self._generation, self._kept.get(key), time.monotonic()
        if kept and kept.until >= started:
            return kept.content
        current = version()
        if kept and kept.version == current and started - kept.made_at < _LONGEST_SECONDS:
            self._keep(key, replace(kept, until=started + _FRESH_SECONDS), generation)
            return kept.content
        content = encode(make())
        ended = time.monotonic()
        stays = min(max(_FRESH_SECONDS, (ended - started) * _TIMES_ITS_COST), _LONGEST_SECONDS)
        self._keep(key, _Kept(content, ended + stays, started, current), generation)
        return content

    def _keep(self, key: Hashable, kept: _Kept, generation: int) -> None:
        with self._lock:
            if generation != self._generation or len(kept.content) > _MOST_BYTES:
                return
            self._drop(key)
            self._kept[key] = kept
            self._size += len(kept.content)
            while len(self._kept) > _MOST_KEPT or self._size > _MOST_BYTES:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        dropped = self._kept.pop(key, None)
        if dropped:
            self._size -= len(dropped.content)


def encode(document: Any) -> bytes:
    """Write a document as JSON without secrets; bytes are taken as they are."""
    if isinstance(document, bytes):
        return document
    content = msgspec.json.encode(document)
    text = content.decode()
    redactor = redactor_in_use()
    if redactor.text(text) == text:
        return content
    return msgspec.json.encode(redactor.value(msgspec.json.decode(content)))
