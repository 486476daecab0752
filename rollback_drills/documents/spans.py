"""Stretches of time that follow each other: which one holds an instant, and when that changes."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple


class Span(NamedTuple):
    """From when until when something lasts, in UTC, half-open: `[start_at, end_at)`."""

    start_at: datetime
    end_at: datetime


class Spans:
    """Whatever has stretches of time, as many as there are."""

    __slots__ = ()

    sha256: str = ""
    """Of the file that they come from; empty if they stand in the document."""

    def find_spans(self, instant: datetime) -> Iterator[Span]:
        """Yield those that end after an instant, as they start, for the years that are searched."""
        raise NotImplementedError

    def find_span(self, instant: datetime) -> Span | None:
        """Return the one that contains an instant; of several the one that starts last."""
        found = None
        for span in self.find_spans(instant):
            if span.start_at > instant:
                break
            found = span
        return found

    def find_change(self, instant: datetime) -> datetime | None:
        """Return when one begins or ends next after an instant; None if nothing changes."""
        found = None
        for span in self.find_spans(instant):
            if found is not None and span.start_at >= found:
                break
            change = span.start_at if span.start_at > instant else span.end_at
            found = change if found is None else min(found, change)
        return found
