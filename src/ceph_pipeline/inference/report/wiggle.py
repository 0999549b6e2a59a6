"""The wiggle chart: how far an analysis' values lie from their norms, a row each, joined by a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ROW_PX, WIDTH_PX = 22, 160
"""Height of a row, which is that of the table's beside it, and width."""
MARGIN_PX = 8
REACH_SD = 4.0
"""What lies further off is drawn at the edge, as an arrow."""


@dataclass(frozen=True)
class ChartPoint:
    """One value.

    Attributes:
        x: Across, in px.
        y: Down, in px.
        beyond: −1 or +1 where the value lies off the chart on that side, else 0.
    """

    x: float
    y: float
    beyond: int


@dataclass(frozen=True)
class Wiggle:
    """A chart's geometry in px.

    Attributes:
        height: Of the whole.
        marks: The values that have a norm with a standard deviation.
        runs: Marks of neighbouring rows, which a line joins.
    """

    height: int
    marks: tuple[ChartPoint, ...]
    runs: tuple[tuple[ChartPoint, ...], ...]
    width: int = WIDTH_PX

    @staticmethod
    def x_of(deviation: float) -> float:
        """Where a deviation in standard deviations lies across the chart."""
        limited = max(-REACH_SD, min(REACH_SD, deviation))
        return round(WIDTH_PX / 2 + limited / REACH_SD * (WIDTH_PX / 2 - MARGIN_PX), 1)


def wiggle(deviations: Sequence[float | None]) -> Wiggle:
    """Lay a chart out.

    Args:
        deviations: In standard deviations, from the top row down; None where there is no value or no such norm, which breaks
            the line.
    """
    marks: list[ChartPoint] = []
    runs: list[list[ChartPoint]] = [[]]
    for row, deviation in enumerate(deviations):
        if deviation is None:
            runs.append([])
            continue
        beyond = (deviation > REACH_SD) - (deviation < -REACH_SD)
        marks.append(ChartPoint(Wiggle.x_of(deviation), (row + 0.5) * ROW_PX, beyond))
        runs[-1].append(marks[-1])
    return Wiggle(ROW_PX * len(deviations), tuple(marks), tuple(tuple(run) for run in runs if len(run) > 1))
