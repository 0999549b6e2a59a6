"""The correction of a film by a person: moved points and a measured pixel size, with undo and redo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.calibration.ruler import mm_per_pixel
from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.formats.entries import MAX_PIXEL_SIZE_MM, is_pixel_size
from ceph_pipeline.images.header import MIN_SPACING_MM
from ceph_pipeline.inference.plausibility import flag_implausible
from ceph_pipeline.inference.report import Calibration, FilmReport, film_report

if TYPE_CHECKING:
    from ceph_pipeline.page.opening import OpenedFilm
    from ceph_pipeline.page.settings import PageSettings
    from ceph_pipeline.plausibility import Judgement

MOVED_PX = 0.005
"""Smaller differences do not count as a movement, because coordinates from the browser can differ by rounding."""


class RulerMark(NamedTuple):
    """A ruler mark, in px."""

    x: float
    y: float


@dataclass(frozen=True)
class Step:
    """The state of a film after a correction.

    Attributes:
        xy: `(K, 2)` px in the order of the film's landmarks; NaN for absent points.
        calibration: The film's pixel size.
        marks: Ruler marks that a person has set to measure the pixel size; empty for other sources.
    """

    xy: NDArray[np.float64]
    calibration: Calibration
    marks: tuple[RulerMark, ...] = ()


class Correction:
    """One film's points and pixel size, and all steps back to the detector's predictions.

    Args:
        film: The film with the detector's predictions.
        settings: Parameters of plausibility, measurements and reports.
    """

    def __init__(self, film: OpenedFilm, settings: PageSettings) -> None:
        self.film = film
        self._settings = settings
        self._landmarks = tuple(film.found["landmark"].astype(str))
        self._steps = [Step(film.found[["x", "y"]].to_numpy(np.float64), film.calibration)]
        self._at = 0
        self._held: Step | None = None
        self._judged: tuple[Step, Judgement] | None = None  # cached, because each step uses it more than once

    @property
    def now(self) -> Step:
        """The state that is shown, including a point that is being dragged."""
        return self._held or self._steps[self._at]

    @property
    def calibration(self) -> Calibration:
        """The film's pixel size."""
        return self.now.calibration

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return self._at < len(self._steps) - 1

    def undo(self) -> None:
        """Undo the last step, if there is one."""
        self._at, self._held = max(self._at - 1, 0), None

    def redo(self) -> None:
        """Redo the step that was undone last, if there is one."""
        self._at, self._held = min(self._at + 1, len(self._steps) - 1), None

    def reset(self) -> None:
        """Return to the detector's predictions, as a new step; do nothing if nothing has changed."""
        if self._steps[self._at] is not self._steps[0]:
            self._take(self._steps[0])

    def place(self, points: Mapping[str, tuple[float, float]]) -> None:
        """Move the points, as one step; do nothing if no point has moved.

        Args:
            points: `(x, y)` px by full name, which are clipped to the film. Absent landmarks were removed.
        """
        placed = self._placed(points)
        self._held = None
        if placed is not self.now:
            self._take(placed)

    def hold(self, points: Mapping[str, tuple[float, float]]) -> None:
        """Show points that are still being dragged. They are not a step, and the next step replaces them.

        Args:
            points: As for `place`.
        """
        self._held = self._placed(points)

    def _placed(self, points: Mapping[str, tuple[float, float]]) -> Step:
        """The present step with other points; coordinates of points that have not moved stay exactly the same."""
        width, height = self.film.size
        before = self._steps[self._at]
        xy = np.array([points.get(name, (np.nan, np.nan)) for name in self._landmarks], dtype=np.float64)
        stays = _same(xy, before.xy)
        moved = np.where(stays[:, None], before.xy, np.clip(xy, 0, (width - 1, height - 1)))
        return before if _same(moved, before.xy).all() else replace(before, xy=moved)

    def calibrate_by_marks(self, first: RulerMark, second: RulerMark, length_mm: float) -> None:
        """Set the pixel size from two ruler marks at a known distance.

        Raises:
            InvalidValueError: both marks have the same position, or the resulting pixel size is impossible for an X-ray.
        """
        size = float(mm_per_pixel(first, second, length_mm))
        if not np.isfinite(size):
            raise InvalidValueError("both ruler marks have the same position: click the two ends of the ruler.")
        self._calibrate(Calibration(size, f"two marks {length_mm:g} mm apart, set by a person"), (first, second))

    def calibrate_by_size(self, pixel_size_mm: float) -> None:
        """Set the pixel size to a number.

        Raises:
            InvalidValueError: the pixel size is impossible for an X-ray (`is_pixel_size`).
        """
        self._calibrate(Calibration(pixel_size_mm, "a number entered by a person"))

    def points(self) -> Judgement:
        """The film's points as a `PredictionTable` with `corrected`; their plausibility is judged again.

        Points that a person has placed have no standard deviation, and are flagged only if they are implausible.
        """
        if self._judged is None or self._judged[0] is not self.now:
            self._judged = self.now, self._judge(self.now.xy)
        return self._judged[1]

    def _judge(self, xy: NDArray[np.float64]) -> Judgement:
        found = self.film.found
        corrected = ~_same(xy, self._steps[0].xy)
        table = found.assign(x=xy[:, 0], y=xy[:, 1], corrected=corrected)
        for name in set(found) - {"x", "y"}:
            if found[name].dtype == np.float64:
                table.loc[corrected, name] = np.nan
        if "flagged" in table:
            table["flagged"] &= ~corrected
        return flag_implausible(table, self._settings.prior, self._settings.plausibility)

    def report(self, norm_sets: tuple[str, ...] = ()) -> FilmReport:
        """Measure the film in its present state.

        Args:
            norm_sets: Norm sets to compare the measurements with; by default none.
        """
        judged = self.points()
        return film_report(
            judged.predictions,
            self.film.size,
            self.film.file,
            self.calibration,
            self._settings.cephalometry.model_copy(update={"compare_with": norm_sets}),
            self._settings.origin,
            implausible=bool(judged.shapes["implausible_as_a_whole"].any()),
        )

    def _calibrate(self, calibration: Calibration, marks: tuple[RulerMark, ...] = ()) -> None:
        size = calibration.pixel_size_mm
        if size is None or not is_pixel_size(size):
            way_out = "click the ruler marks again, or correct their distance" if marks else "enter another number"
            raise InvalidValueError(
                f"pixel size {size or 0:g}: expected millimetres per pixel between {MIN_SPACING_MM:g} and {MAX_PIXEL_SIZE_MM:g}; "
                f"{way_out}."
            )
        self._take(replace(self._steps[self._at], calibration=calibration, marks=marks))

    def _take(self, step: Step) -> None:
        """Add a step after the present one; undone steps are discarded."""
        self._steps = [*self._steps[: self._at + 1], step]
        self._at += 1
        self._held = None


def _same(xy: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of `(K, 2)` points have the same position; two missing points are the same."""
    return np.asarray(np.isclose(xy, other, rtol=0, atol=MOVED_PX, equal_nan=True).all(axis=1))
