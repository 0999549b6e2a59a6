"""Write reports to files: the overview `index.html`, and one page per film in `films/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts import refilled, write_atomically
from ceph_pipeline.cephalometry import CephalometryParams
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.inference.report.batch import Entry, batch_page
from ceph_pipeline.inference.report.calibration import Calibration
from ceph_pipeline.inference.report.cvm import CvmStage
from ceph_pipeline.inference.report.film import ReportOrigin, film_report
from ceph_pipeline.inference.report.page import film_page
from ceph_pipeline.inference.report.picture import THUMBNAIL_PX, as_uri, picture

FILMS, INDEX = "films", "index.html"
COLUMNS = ["image_id", "page", "n_look_at"]


def write_reports(
    predictions: pd.DataFrame,
    read: Callable[[str], GreyImage],
    target: Path,
    *,
    files: Mapping[str, str],
    calibration: Mapping[str, Calibration],
    cvm: Mapping[str, CvmStage] | None = None,
    implausible: Iterable[str] = (),
    quarantined: Iterable[tuple[str, str]] = (),
    cephalometry: CephalometryParams,
    origin: ReportOrigin,
) -> pd.DataFrame:
    """Write the page of each film, then the overview page. Reports of an earlier run are replaced.

    Args:
        predictions: A `PredictionTable`, optionally with the columns of `judge_points` and `judge_shapes`.
        read: Returns the pixels of an image.
        target: The folder for the reports.
        files: Name of each image's file in the reports.
        calibration: Pixel size of each image.
        cvm: CVM stages of the images that have one.
        implausible: Images whose configuration of landmarks is implausible as a whole.
        quarantined: Quarantined files, each with the reason.
        cephalometry: Norm sets, the chosen norm sets, and rules.
        origin: The software and networks that make the reports.

    Returns:
        `image_id, page, n_look_at`: the page's path in the folder, and the number of reasons to check the film.
    """
    strange, stages, entries, rows = set(implausible), cvm or {}, [], []
    with refilled(target / FILMS, ".html") as empty:
        for image_id, points in predictions.groupby("image_id", sort=False):
            name = str(image_id)
            pixels = read(name)
            size = (pixels.shape[1], pixels.shape[0])
            report = film_report(
                points,
                size,
                files[name],
                calibration[name],
                cephalometry,
                origin,
                implausible=name in strange,
                cvm=stages.get(name),
            )
            page = f"{FILMS}/{name}.html"
            write_atomically(empty / f"{name}.html", film_page(report, picture(pixels, points)).encode())
            entries.append(Entry.of(report, as_uri(pixels, THUMBNAIL_PX), FILMS))
            rows.append((name, page, len(report.look_at)))
    write_atomically(target / INDEX, batch_page(entries, quarantined).encode())
    return pd.DataFrame(rows, columns=COLUMNS)


def without_reports(target: Path) -> pd.DataFrame:
    """Delete the reports of an earlier run, and return a list without pages."""
    with refilled(target / FILMS, ".html"):
        (target / INDEX).unlink(missing_ok=True)
    return pd.DataFrame(columns=COLUMNS).astype({"image_id": str, "page": str, "n_look_at": int})
