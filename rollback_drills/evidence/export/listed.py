"""Rows that a report lists one by one; of very many the first."""

from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

MOST_LISTED: Final = 500
R = TypeVar("R")


@dataclass(slots=True)
class Listed(Generic[R]):
    """Rows that are listed one by one; of very many the first, and the number of all."""

    rows: list[R] = field(default_factory=list)
    count: int = 0

    def add(self, row: R) -> None:
        """List a row."""
        self.count += 1
        if len(self.rows) < MOST_LISTED:
            self.rows.append(row)

    @property
    def rest(self) -> int:
        """How many are not listed."""
        return self.count - len(self.rows)
