"""A film that a person corrects: points moved, the pixel size measured, each step undone or done again."""

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
"""Less is no movement: coordinates come back from the browser, and annotation files round them."""


class RulerMark(NamedTuple):
    """A mark of the ruler, px."""

    x: float
    y: float


@dataclass(frozen=True)
class Step:
    """What a person has made of a film.

    Attributes:
        xy: `(K, 2)` px in the order of the film's landmarks; NaN where there is no such point.
        calibration: The film's pixel size.
        marks: Of the ruler that it was measured by; empty where it is from elsewhere.
    """

    xy: NDArray[np.float64]
    calibration: Calibration
    marks: tuple[RulerMark, ...] = ()


class Correction:
    """One film's points and pixel size, and every step back to what the detector found.

    Args:
        film: As the detector sees it.
        settings: What it is measured with.
    """

    def __init__(self, film: OpenedFilm, settings: PageSettings) -> None:
        self.film = film
        self._settings = settings
        self._landmarks = tuple(film.found["landmark"].astype(str))
        self._steps = [Step(film.found[["x", "y"]].to_numpy(np.float64), film.calibration)]
        self._at = 0
        self._held: Step | None = None
        self._judged: tuple[Step, Judgement] | None = None  # asked for more than once a step

    @property
    def now(self) -> Step:
        """The film as it is shown, with a point that is being dragged."""
        return self._held or self._steps[self._at]

    @property
    def calibration(self) -> Calibration:
        """The film's pixel size."""
        return self.now.calibration

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return self._at < len(self._steps) - 1

    def undo(self) -> None:
        """Take the last step back, if there is one."""
        self._at, self._held = max(self._at - 1, 0), None

    def redo(self) -> None:
        """Do again what was taken back last, if anything was."""
        self._at, self._held = min(self._at + 1, len(self._steps) - 1), None

    def reset(self) -> None:
        """Return to what the detector found, as a step of its own; none where nothing has changed."""
        if self._steps[self._at] is not self._steps[0]:
            self._take(self._steps[0])

    def place(self, points: Mapping[str, tuple[float, float]]) -> None:
        """Put the points where a person has them; as one step, and none where nothing has moved.

        Args:
            points: `(x, y)` px by full name; held inside the film. A landmark that is not there has been taken away.
        """
        placed = self._placed(points)
        self._held = None
        if placed is not self.now:
            self._take(placed)

    def hold(self, points: Mapping[str, tuple[float, float]]) -> None:
        """Show points that a person has not let go of: no step, and over with the next.

        Args:
            points: As for `place`.
        """
        self._held = self._placed(points)

    def _placed(self, points: Mapping[str, tuple[float, float]]) -> Step:
        """The present step with other points; itself where none has moved, and to the digit those that have not."""
        width, height = self.film.size
        before = self._steps[self._at]
        xy = np.array([points.get(name, (np.nan, np.nan)) for name in self._landmarks], dtype=np.float64)
        stays = _same(xy, before.xy)
        moved = np.where(stays[:, None], before.xy, np.clip(xy, 0, (width - 1, height - 1)))
        return before if _same(moved, before.xy).all() else replace(before, xy=moved)

    def calibrate_by_marks(self, first: RulerMark, second: RulerMark, length_mm: float) -> None:
        """Take the pixel size from two marks of the ruler, a known length apart.

        Raises:
            InvalidValueError: both marks are the same place, or their distance gives a pixel size that no X-ray has.
        """
        size = float(mm_per_pixel(first, second, length_mm))
        if not np.isfinite(size):
            raise InvalidValueError("both marks of the ruler are the same place: click its two ends.")
        self._calibrate(Calibration(size, f"two marks {length_mm:g} mm apart, set by a person"), (first, second))

    def calibrate_by_size(self, pixel_size_mm: float) -> None:
        """Take the pixel size that a person gives.

        Raises:
            InvalidValueError: no X-ray has it (`is_pixel_size`).
        """
        self._calibrate(Calibration(pixel_size_mm, "a number given by a person"))

    def points(self) -> Judgement:
        """The film's points as a `PredictionTable` with `corrected`, judged anew.

        A point that a person has placed has no standard deviation of the detector's, and no flag but that of being implausible.
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
        """Measure the film as it is now.

        Args:
            norm_sets: What is compared with; none is applied unless it is named.
        """
        judged = self.points()
        return film_report(
            judged.predictions,
            self.film.size,
            self.film.file,
            self.calibration,
            self._settings.cephalometry.model_copy(update={"compare_with": norm_sets}),
            self._settings.origin,
            implausible=bool(judged.shapes["implausible"].any()),
        )

    def _calibrate(self, calibration: Calibration, marks: tuple[RulerMark, ...] = ()) -> None:
        size = calibration.pixel_size_mm
        if size is None or not is_pixel_size(size):
            way_out = "click the ruler's marks again, or mend their distance" if marks else "give another number"
            raise InvalidValueError(
                f"pixel size {size or 0:g}: expected millimetres per pixel from {MIN_SPACING_MM:g} to {MAX_PIXEL_SIZE_MM:g}, as "
                f"X-rays have; {way_out}."
            )
        self._take(replace(self._steps[self._at], calibration=calibration, marks=marks))

    def _take(self, step: Step) -> None:
        """Go on from here; what was taken back is forgotten."""
        self._steps = [*self._steps[: self._at + 1], step]
        self._at += 1
        self._held = None


def _same(xy: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of `(K, 2)` points lie where the others do; two missing ones do."""
    return np.asarray(np.isclose(xy, other, rtol=0, atol=MOVED_PX, equal_nan=True).all(axis=1))
