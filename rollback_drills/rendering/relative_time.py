"""Puts instants, drills and sentences into words for people."""

from datetime import datetime


def write_sentences(*parts: str) -> str:
    """Write sentences that have no full stop yet; one that ends in a question needs none."""
    return " ".join(part if part.endswith("?") else f"{part}." for part in parts)


def join_sentences(*parts: str) -> str:
    """Write sentences as one message, without its last full stop."""
    return write_sentences(*parts).removesuffix(".")


def write_count(count: int, what: str) -> str:
    """Write how many there are of something, such as `1 schedule` or `2 schedules`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def how_long(instant: str, *, now: datetime) -> str:
    """Return how far away a time is, such as `in 3 days` or `2 weeks ago`."""
    if not instant:
        return "unknown"
    import pendulum  # only people need it, and every start would pay for it

    there, here = pendulum.parse(instant), pendulum.instance(now)
    assert isinstance(there, pendulum.DateTime)  # noqa: S101 - it was written by isoformat
    distance = here.diff_for_humans(there, absolute=True)
    return f"{distance} ago" if there < here else f"in {distance}"


def write_time(instant: datetime) -> str:
    """Write an instant in UTC for people: `28 Nov 2026, 09:02 UTC`."""
    return f"{instant.day} {instant:%b %Y, %H:%M} UTC"
