"""Counts in words: singular and plural agree."""

from collections.abc import Iterable


def write_count(count: int, what: str) -> str:
    """Write how many there are of something, such as `1 schedule` or `2 schedules`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def count_each(counts: Iterable[tuple[str, int]]) -> str:
    """Write how many there are of each kind, such as `due soon: 1, needs attention: 2`."""
    return ", ".join(f"{kind.replace('_', ' ')}: {count:,}" for kind, count in counts)


def count_of(done: int, total: int, what: str) -> str:
    """Write how many of several, with their verb, such as `1 of 3 drills is` or `2 of 3 drills are`."""
    verb = "is" if 1 in (done, total) else "are"
    return f"{done:,} of {total:,} {what if total == 1 else f'{what}s'} {verb}"


def rows_were(count: int) -> str:
    """Count rows, with a verb: `1 row was` or `2 rows were`."""
    return f"{write_count(count, 'row')} {'was' if count == 1 else 'were'}"


def rows_are(first: int, last: int) -> str:
    """Name consecutive rows, with a verb: `row 7 is` or `rows 7 to 9 are`."""
    return f"row {first} is" if first == last else f"rows {first} to {last} are"
