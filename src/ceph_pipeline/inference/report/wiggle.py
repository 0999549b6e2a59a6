"""The wiggle chart: deviations of an analysis' values from their norms, one row per value, connected by a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ROW_PX, WIDTH_PX = 22, 160
"""Height of a row, equal to the row height of the table next to the chart, and width of the chart."""
MARGIN_PX = 8
REACH_SD = 4.0
"""Larger deviations are drawn as an arrow at the edge."""


@dataclass(frozen=True)
class ChartPoint:
    """One value.

    Attributes:
        x: Horizontal position in px.
        y: Vertical position in px.
        beyond: −1 or +1 if the value lies outside the chart on that side, else 0.
    """

    x: float
    y: float
    beyond: int


@dataclass(frozen=True)
class Wiggle:
    """A chart's geometry in px.

    Attributes:
        height: Height of the chart.
        marks: The values that have a norm with a standard deviation.
        runs: Marks of neighbouring rows, which a line connects.
    """

    height: int
    marks: tuple[ChartPoint, ...]
    runs: tuple[tuple[ChartPoint, ...], ...]
    width: int = WIDTH_PX

    @staticmethod
    def x_of(deviation: float) -> float:
        """Horizontal position of a deviation that is given in standard deviations."""
        limited = max(-REACH_SD, min(REACH_SD, deviation))
        return round(WIDTH_PX / 2 + limited / REACH_SD * (WIDTH_PX / 2 - MARGIN_PX), 1)


def wiggle(deviations: Sequence[float | None]) -> Wiggle:
    """Compute the layout of a chart.

    Args:
        deviations: In standard deviations, from top to bottom; None if there is no value or no such norm, which breaks the line.
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
