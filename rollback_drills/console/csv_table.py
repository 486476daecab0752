"""A table of a page as CSV, which no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from rollback_drills.documents.utc import write_instant
from rollback_drills.rendering.csv_cells import write_cell

_BOM = "\ufeff"  # Excel takes UTF-8 only with it


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Columns, and the values of each row: texts, numbers, times, and lists of texts."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    @classmethod
    def of(cls, items: Iterable[object], columns: Sequence[str]) -> Self:
        """Return a table of what items have under the names of its columns."""
        return cls(columns, [[getattr(each, name) for name in columns] for each in items])

    def write(self) -> str:
        """Write it, with times as ISO 8601 in UTC."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(self.columns)
        writer.writerows([write_cell(_write(each)) for each in row] for row in self.rows)
        return _BOM + text.getvalue()


def _write(value: object) -> object:
    if isinstance(value, datetime):
        return write_instant(value)
    return "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
