"""The rows of an export as CSV, for spreadsheets."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rollback_drills.evidence.appender import columns_of
from rollback_drills.evidence.written_record import WrittenRecord
from rollback_drills.rendering.csv_cells import write_cell

_COLUMNS: Final = (
    *("leaf_index", "created_at", "metadata_kind", "schedule_id", "cycle_id", "provider", "owner", "action"),
    *("category", "success", "signer", "flow_run_id", "what"),
)
_SAYS: Final = (
    "outcome",
    "acknowledgement_state",
    "exception",
    "told",
    "status",
    "drill_id",
    "public_key",
    "imported_from",
)


class TableWriter:
    """Writes one line for each record."""

    def __init__(self, path: Path) -> None:
        """Begin the file."""
        self._file = path.open("w", encoding="utf-8-sig", newline="")  # Excel takes UTF-8 only with a BOM
        self._writer = csv.writer(self._file)
        self._writer.writerow(_COLUMNS)

    def add(self, record: WrittenRecord) -> None:
        """Write a record."""
        what = next((record[name] for name in _SAYS if record.get(name)), "")
        of_run = {name: record.get(name, "") for name in ("signer", "flow_run_id")}
        cells = {**columns_of(record), **of_run, "what": what}
        self._writer.writerow([write_cell(cells[name]) for name in _COLUMNS])

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the file."""
        self._file.close()
