"""Stacked bars by week: where each piece stands, in the units of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 200
_GAP: Final = 0.28
"""Which part of its place a bar leaves free."""
_NICE: Final = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of thing, counted for each week."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar."""

    series: int
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, and the numbers it is drawn from."""

    weeks: Sequence[str]
    series: Sequence[Series]
    pieces: Sequence[Piece]
    lines: Sequence[tuple[float, int]]
    """Where the lines across are, and what they stand for."""
    labels: Sequence[tuple[float, str]]
    """Where the names of weeks stand."""

    @property
    def totals(self) -> list[int]:
        """All that was counted, by week."""
        return [sum(each.values[number] for each in self.series) for number in range(len(self.weeks))]

    @property
    def total(self) -> int:
        """All that was counted."""
        return sum(self.totals)


def build_chart(weeks: Sequence[str], series: Sequence[Series]) -> Chart:
    """Place the bars of some weeks."""
    sums = [sum(each.values[number] for each in series) for number in range(len(weeks))]
    top = find_top(max(sums, default=0))
    place = WIDTH / max(len(weeks), 1)
    pieces = []
    for number, week in enumerate(weeks):
        y = float(HEIGHT)
        for which, each in enumerate(series):
            if count := each.values[number]:
                height = count / top * HEIGHT
                y -= height
                left, width = round((number + _GAP / 2) * place, 1), round((1 - _GAP) * place, 1)
                title = f"{week}: {count} {each.name}"
                pieces.append(Piece(which, left, round(y, 1), width, round(height, 1), title))
    lines = [(round(HEIGHT - top * part / 4 / top * HEIGHT, 1), top * part // 4) for part in range(5)]
    labels = [(round((number + 0.5) * place, 1), week[5:8]) for number, week in enumerate(weeks)]
    return Chart(weeks, series, pieces, lines, labels)


def find_top(highest: int) -> int:
    """Return a round number that is no smaller, and that four divides."""
    size = 1
    while True:
        for factor in _NICE:
            if (top := 4 * factor * size) >= highest:
                return top
        size *= 10
