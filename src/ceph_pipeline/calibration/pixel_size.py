"""Pixel size of each image from its ruler, its file or its anatomy, with the values of all sources."""

import logging
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.artifacts import pseudonym
from ceph_pipeline.calibration.params import CalibrationParams
from ceph_pipeline.calibration.presence import weaker_peaks
from ceph_pipeline.calibration.ruler import mm_per_pixel
from ceph_pipeline.errors import counted
from ceph_pipeline.formats.entries import is_pixel_size
from ceph_pipeline.landmarks import RULER_MARKS
from ceph_pipeline.landmarks.tables import points_array
from ceph_pipeline.uncertainty.points import sigma_px

logger = logging.getLogger(__name__)

UNKNOWN = "unknown"
UNCERTAIN, IMPLAUSIBLE = "uncertain", "implausible"
"""Reasons why a detected ruler is not usable: a large standard error of its pixel size, or an implausible pixel size."""
LANDMARKS = ["Sella", "Nasion"]
HEADS_MM = (50.0, 90.0)
"""Plausible distances S–N, from that of a small child to six standard deviations above the adult mean of 71 ± 3 mm."""


class Measured(NamedTuple):
    """Pixel sizes of N images from one source.

    Attributes:
        mm: Millimetres per pixel `(N,)`, NaN if the source has no value.
        se: Standard errors `(N,)`, NaN if unknown.
    """

    mm: NDArray[np.float64]
    se: NDArray[np.float64]


def by_length(ends: NDArray[np.float64], sigma_px: NDArray[np.float64], length_mm: float, length_sd_mm: float = 0.0) -> Measured:
    """Pixel size from a known length between two points, with error propagation.

    With L = |p1 − p2| the size is s = length / L. The points' errors along the line give `sd(L)² = σ₁² + σ₂²`, and
    `se(s) = s · √((sd(L) / L)² + (sd(length) / length)²)`.

        >>> mm, se = by_length(np.array([[[0.0, 0.0], [60.0, 80.0]]]), np.array([[0.6, 0.8]]), 10.0)
        >>> round(float(mm[0]), 3), round(float(se[0]), 6)
        (0.1, 0.001)

    Args:
        ends: Both points `(N, 2, 2)`, px, NaN where missing.
        sigma_px: Standard deviations `(N, 2)` along one axis, px.
        length_mm: True distance of the points.
        length_sd_mm: Standard deviation of the true distance.
    """
    mm = mm_per_pixel(ends[:, 0], ends[:, 1], length_mm)
    relative = np.hypot(np.linalg.norm(sigma_px, axis=-1) * mm / length_mm, length_sd_mm / length_mm)
    return Measured(mm, mm * relative)


def pixel_sizes(
    predictions: pd.DataFrame, image_ids: list[str], file_mm: NDArray[np.float64], min_peak: float, params: CalibrationParams
) -> pd.DataFrame:
    """Determine each image's pixel size.

    The first of `params.sources` with a value is used; values are not averaged. Disagreement is reported: `deviation_pct` is the
    deviation of the ruler's value from the file's value, and `sella_nasion_mm` the distance S–N by the used pixel size.
    `is_suspect` marks images with a deviation beyond the tolerance or an implausible S–N.

    Args:
        predictions: Points of one stage: the ruler's marks with peaks and, optionally, Sella and Nasion.
        image_ids: Identifiers of N images.
        file_mm: Pixel sizes `(N,)` from files or the images table, NaN if unknown.
        min_peak: Threshold on the peak of the weaker mark for the presence of a ruler.
        params: Lengths, tolerances, and the sources in order of precedence.

    Returns:
        Rows `image_id, p1_x, p1_y, p2_x, p2_y, confidence, has_ruler, is_usable, refusal, ruler_px, ruler_mm_per_pixel, ruler_se,
        file_mm_per_pixel, anatomical_mm_per_pixel, anatomical_se, deviation_pct, sella_nasion_mm, is_suspect, mm_per_pixel,
        mm_per_pixel_se, source`. `has_ruler`: the peaks exceed the threshold. `is_usable`:
        the ruler's pixel size is certain enough and plausible. `refusal`: the reason if not (`uncertain` or `implausible`), or
        empty. Marks and their pixel size are NaN without a usable ruler. `source` is `unknown` if no source has a value.
    """
    has_marks = set(RULER_MARKS) <= set(predictions["landmark"])
    peaks = weaker_peaks(predictions).reindex(image_ids).to_numpy(np.float64) if has_marks else np.full(len(image_ids), np.nan)
    marks, sigma = _points(predictions, image_ids, RULER_MARKS)
    seen = (peaks >= min_peak) & np.isfinite(marks).all(axis=(1, 2))
    ruler = by_length(marks, sigma, params.ruler_mm)
    refusal = np.where(seen, _refusals(ruler, params.max_se_pct), "")
    usable = seen & (refusal == "")
    marks = np.where(usable[:, None, None], marks, np.nan)
    ruler = Measured(*np.where(usable, ruler, np.nan))
    anatomical = by_length(*_points(predictions, image_ids, LANDMARKS), params.sella_nasion_mm, params.sella_nasion_sd_mm)
    by_head = anatomical.mm
    anatomical = Measured(*np.where(is_pixel_size(by_head), anatomical, np.nan))
    known = {"ruler": ruler, "file": Measured(file_mm, np.full(len(image_ids), np.nan)), "anatomical": anatomical}
    mm, se, source = _first_that_says(known, params.sources, len(image_ids))
    deviation = 100 * (ruler.mm / file_mm - 1)
    length = params.sella_nasion_mm * mm / by_head
    return pd.DataFrame(
        {
            "image_id": image_ids,
            **{f"{name}_{axis}": marks[:, k, a] for k, name in enumerate(RULER_MARKS) for a, axis in enumerate("xy")},
            "confidence": np.clip(peaks, 0, 1),
            "has_ruler": seen,
            "is_usable": usable,
            "refusal": refusal,
            "ruler_px": params.ruler_mm / ruler.mm,
            "ruler_mm_per_pixel": ruler.mm,
            "ruler_se": ruler.se,
            "file_mm_per_pixel": file_mm,
            "anatomical_mm_per_pixel": anatomical.mm,
            "anatomical_se": anatomical.se,
            "deviation_pct": deviation,
            "sella_nasion_mm": length,
            "is_suspect": (np.abs(deviation) > params.tolerated_deviation_pct) | _is_no_head(length),
            "mm_per_pixel": mm,
            "mm_per_pixel_se": se,
            "source": source,
        }
    )


def say_sources(sizes: pd.DataFrame) -> None:
    """Log the number of images per source, the way out for images without a pixel size, and each film whose sources disagree."""
    counts = ", ".join(f"{source} {count}" for source, count in sizes["source"].value_counts().items())
    logger.info("pixel sizes of %s: %s", counted(len(sizes), "image"), counts)
    if lacking := int(sizes["source"].isin(["anatomical", UNKNOWN]).sum()):
        logger.warning(
            "images without a pixel size, and therefore without measurements in mm: %d of %d; set inference.pixel_size_mm (one "
            "number for all images) or inference.films.sheet. Settings of ingestion.pixel_size do not apply to new films",
            lacking,
            len(sizes),
        )
    estimated = sizes[sizes["source"] == "anatomical"]
    if len(estimated):
        percent = 100 * (estimated["mm_per_pixel_se"] / estimated["mm_per_pixel"]).median()
        logger.warning(
            "%d pixel sizes are anatomical estimates from S–N, with a standard error of about %.0f %%", len(estimated), percent
        )
    suspect = sizes.loc[sizes["is_suspect"], ["image_id", "deviation_pct", "sella_nasion_mm", "mm_per_pixel"]]
    for image_id, deviation, length, mm in suspect.itertuples(index=False):
        if _is_no_head(length):
            logger.warning(
                "%s: S–N is %.0f mm with the pixel size %.4g mm, outside the plausible range", pseudonym(image_id), length, mm
            )
        else:
            logger.warning("%s: the ruler's pixel size deviates by %+.1f %% from the file's", pseudonym(image_id), deviation)


def _is_no_head(sella_nasion_mm: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a distance S–N is known and outside `HEADS_MM`, the plausible range."""
    return np.asarray((sella_nasion_mm < HEADS_MM[0]) | (sella_nasion_mm > HEADS_MM[1]))


def _refusals(ruler: Measured, max_se_pct: float) -> NDArray[np.str_]:
    """The reason why each ruler is not usable; empty for usable rulers."""
    uncertain = ruler.se > max_se_pct / 100 * ruler.mm
    return np.select([~is_pixel_size(ruler.mm), uncertain], [IMPLAUSIBLE, UNCERTAIN], "")


def _points(predictions: pd.DataFrame, image_ids: list[str], names: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points `(N, 2, 2)` and standard deviations `(N, 2)`, calibrated if available."""
    rows = predictions[predictions["landmark"].isin(names)]
    sigma = pd.Series(sigma_px(rows), index=pd.MultiIndex.from_frame(rows[["image_id", "landmark"]]))
    values = np.asarray(sigma.reindex(pd.MultiIndex.from_product([image_ids, names])), np.float64)
    return points_array(rows, image_ids, names), np.asarray(values.reshape(len(image_ids), len(names)))


def _first_that_says(
    known: dict[str, Measured], order: tuple[str, ...], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    mm, se, source = np.full(count, np.nan), np.full(count, np.nan), np.full(count, UNKNOWN, dtype=object)
    for name in reversed(order):
        says = np.isfinite(known[name].mm)
        mm, se = np.where(says, known[name].mm, mm), np.where(says, known[name].se, se)
        source[says] = name
    return mm, se, source
