"""Compare two films of one patient: a table of changes, and a picture of the superimposed tracings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from ceph_pipeline.artifacts import plain_label, pseudonym
from ceph_pipeline.cephalometry import Registration, SuperimpositionError, assess, changes, superimpose
from ceph_pipeline.inference.points import measured_places, places_of, sigmas_of
from ceph_pipeline.inference.report import calibrations
from ceph_pipeline.inference.tracing import traced
from ceph_pipeline.landmarks import Affine

if TYPE_CHECKING:
    from ceph_pipeline.inference.params import SuperimpositionParams
    from ceph_pipeline.inference.points import Places

logger = logging.getLogger(__name__)

FIRST_COLOUR, SECOND_COLOUR = "#0072b2", "#d55e00"
HEIGHT_INCHES = 9.0


def pair_of(predictions: pd.DataFrame, params: SuperimpositionParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both films.

    Raises:
        SuperimpositionError: a film is not named or was not located, or both names are the same.
    """
    first, second = (_film(predictions, field, name) for field, name in (("first", params.first), ("second", params.second)))
    if first == second:
        raise SuperimpositionError(f"superimposition.first and second are both {first!r}: name two films of one patient.")
    return predictions[predictions["image_id"] == first], predictions[predictions["image_id"] == second]


def _film(predictions: pd.DataFrame, field: str, name: str | None) -> str:
    known = predictions["image_id"].astype(str).unique().tolist()
    if name is None or name not in known:
        shown = ", ".join(known[:5]) + (" …" if len(known) > 5 else "")
        raise SuperimpositionError(
            f"superimposition.{field} = {name!r}: inference has located no film of this name. Name one of {shown}, or run "
            "inference on a folder that contains the film."
        )
    return name


def pixel_sizes_of(
    sizes: pd.DataFrame, films: tuple[pd.DataFrame, pd.DataFrame], params: SuperimpositionParams
) -> tuple[float | None, float | None]:
    """Millimetres per pixel of both films, from the parameters or as measured by inference; None where unknown.

    Raises:
        SuperimpositionError: inference has not processed the pixel size of a film.
    """
    if params.pixel_sizes_mm is not None:
        return params.pixel_sizes_mm
    known = calibrations(sizes)
    first, second = (str(film["image_id"].iloc[0]) for film in films)
    for name in (first, second):
        if name in known and known[name].is_suspect:
            logger.warning(
                "the pixel size of %s is suspect (see its report), and changes in mm may be wrong: check the pixel size, and set "
                "superimposition.pixel_sizes_mm.",
                pseudonym(name),
            )
        if name not in known:
            raise SuperimpositionError(
                f"{name!r} has landmarks, but no pixel size, because inference was interrupted. Run inference again, or set "
                "superimposition.pixel_sizes_mm."
            )
    return known[first].pixel_size_mm, known[second].pixel_size_mm


def change_rows(first: pd.DataFrame, second: pd.DataFrame, pixel_sizes_mm: tuple[float | None, float | None]) -> pd.DataFrame:
    """Changes of the measurements from the first film to the second.

    Args:
        first: Rows of a `PredictionTable` of the first film.
        second: Rows of the second film.
        pixel_sizes_mm: Pixel sizes of both films; without them only angles and ratios are compared.

    Returns:
        `measurement, name, unit, first, second, change, error, verdict`, one row for each measurement that both films have.
        `error` is the value below which 95 % of changes lie if nothing has changed. `verdict` is `smaller than its error`,
        `larger than its error` or `error unknown`.
    """
    films = [
        assess(measured_places(points), size, sigmas_of(points))
        for points, size in zip((first, second), pixel_sizes_mm, strict=True)
    ]
    words = {True: "larger than its error", False: "smaller than its error", None: "error unknown"}
    rows = [
        (
            key,
            each.measurement.name,
            each.measurement.unit,
            each.first,
            each.second,
            each.change,
            each.error,
            words[each.exceeds_error],
        )
        for key, each in changes(*films).items()
    ]
    columns = ["measurement", "name", "unit", "first", "second", "change", "error", "verdict"]
    return pd.DataFrame(rows, columns=columns).astype({"error": float})


def draw_superimposition(first: pd.DataFrame, second: pd.DataFrame, onto_first: Affine, title: str) -> Figure:
    """Draw both tracings in the pixel coordinates of the first film, without the film itself.

    Args:
        first: Rows `landmark, x, y` of the first film.
        second: Rows of the second film.
        onto_first: From `superimpose`.
        title: Title above the picture.
    """
    earlier = places_of(first)
    later: Places = {
        symbol: (float(x), float(y)) for symbol, (x, y) in ((s, onto_first(xy)) for s, xy in places_of(second).items())
    }
    corners = np.array([*earlier.values(), *later.values()])
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    margin = 0.08 * max(right - left, bottom - top)
    aspect = (right - left + 2 * margin) / (bottom - top + 2 * margin)
    figure = Figure(figsize=(HEIGHT_INCHES * min(max(aspect, 0.5), 2.0), HEIGHT_INCHES), layout="constrained")
    axes = figure.add_subplot()
    names = zip((first, second), (earlier, later), (FIRST_COLOUR, SECOND_COLOUR), strict=True)
    for points, places, colour in names:
        axes.add_collection(LineCollection([line.xy for line in traced(places)], colors=colour, linewidths=1.1, alpha=0.85))
        axes.plot(
            *np.array(list(places.values())).T,
            ".",
            color=colour,
            markersize=5,
            label=plain_label(str(points["image_id"].iloc[0])),
        )
    for symbol, place in earlier.items():
        axes.annotate(plain_label(symbol), place, xytext=(4, 3), textcoords="offset points", fontsize=7, color="#444444")
    axes.legend(loc="lower left", fontsize=8)
    axes.set_title(plain_label(title), fontsize=10)
    axes.set(xlim=(left - margin, right + margin), ylim=(bottom + margin, top - margin), aspect="equal")
    axes.set_axis_off()
    return figure


def register(
    first: pd.DataFrame, second: pd.DataFrame, pixel_sizes_mm: tuple[float | None, float | None], registration: Registration
) -> Affine:
    """The transformation that maps the points of the second film onto the first film.

    Raises:
        SuperimpositionError: as `superimpose`, or a pixel size is unknown.
    """
    one, two = pixel_sizes_mm
    if one is None or two is None:
        raise SuperimpositionError(
            "superimposition needs the pixel size of both films: set superimposition.pixel_sizes_mm, or run inference "
            "again with ruler networks or inference.pixel_size_mm."
        )
    return superimpose(measured_places(first), measured_places(second), (one, two), registration)
