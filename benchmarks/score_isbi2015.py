"""Recompute the figures of predicted points on ISBI 2015 from the challenge's annotation files alone.

    python benchmarks/score_isbi2015.py docs/isbi2015_test1_points.csv --annotations /path/to/AnnotationsByMD

A table has the columns `image_id, landmark, x, y`: numbers of films and full names of landmarks, in px of the originals. The
truth is the mean of both readers, at 0.1 mm a pixel. Several tables, such as several seeds', get a row each and their mean.
"""

from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from ceph_pipeline.errors import CephError
from ceph_pipeline.evaluation import error_rows
from ceph_pipeline.evaluation.display import number, rate_keys, rate_title
from ceph_pipeline.evaluation.metrics import stage_metrics
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.formats.isbi2015 import PIXEL_SIZE_MM, READERS, read_points
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import points_table

LANDMARKS = list(SCHEMAS["isbi2015"].names)
COLUMNS = ["image_id", "landmark", "x", "y"]


class ScoreError(CephError, ValueError):
    """A table cannot be scored: points are missing or twice there, or the annotations are."""


def truth_of(image_ids: list[str], annotations: Path) -> pd.DataFrame:
    """The mean of both readers: `image_id, landmark, x, y`.

    Args:
        image_ids: Three digits each.
        annotations: The folder of `400_senior` and `400_junior`.

    Raises:
        ScoreError: an image lacks a usable file of a reader.
    """
    both = np.stack([[_points_of(image_id, reader, annotations) for image_id in image_ids] for reader in READERS])
    return points_table(both.mean(axis=0), image_ids, LANDMARKS)


def _points_of(image_id: str, reader: str, annotations: Path) -> list[tuple[float, float]]:
    file = f"400_{reader}/{image_id}.txt"
    points = read_points(annotations / file, file, annotations)
    if isinstance(points, Problem):
        raise ScoreError(f"{annotations / file}: {points.field} is {points.found}, expected {points.expected}.")
    return [points[name] for name in LANDMARKS]


def read_table(path: Path) -> pd.DataFrame:
    """A table of predicted points, each of its images with each landmark once.

    Raises:
        ScoreError: columns are missing, or a point is missing or there twice.
    """
    table = pd.read_csv(path, dtype={"image_id": str})
    if missing := sorted(set(COLUMNS) - set(table.columns)):
        raise ScoreError(f"{path}: no column {missing[0]!r}, expected {', '.join(COLUMNS)}.")
    times = pd.crosstab(table["image_id"], table["landmark"]).reindex(columns=LANDMARKS, fill_value=0)
    for image_id, row in times.iterrows():
        for landmark in row.index[row != 1]:
            raise ScoreError(f"{path}: image {image_id!s} has {landmark!r} {row[landmark]} times, expected once.")
    return table


def score(points: pd.DataFrame, annotations: Path) -> dict[str, Any]:
    """The figures of `stage_metrics` for one table of points."""
    image_ids = list(points["image_id"].unique())
    images = pd.DataFrame({"image_id": image_ids, "pixel_size_mm": PIXEL_SIZE_MM})
    errors = error_rows(points, truth_of(image_ids, annotations), images, "stage2_tta")
    return stage_metrics(errors, "stage2_tta", StatisticsParams())


@click.command()
@click.argument("tables", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--annotations", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(tables: tuple[Path, ...], annotations: Path) -> None:
    """Score tables of predicted points."""
    rows = {path.name: score(read_table(path), annotations) for path in tables}
    rates = rate_keys(next(iter(rows.values())))
    print("| points | images | MRE mm | 95 % interval |", " | ".join(map(rate_title, rates)), "|")
    print("|---" * (4 + len(rates)) + "|")
    for name, figures in rows.items():
        low, high = figures["mre_mm_ci95"] or (np.nan, np.nan)
        cells = [name, str(figures["n_images"]), number(figures["mre_mm"], 3), f"{number(low, 3)}–{number(high, 3)}"]
        print("|", " | ".join([*cells, *(number(figures[key]) for key in rates)]), "|")
    if len(rows) > 1:
        means = pd.DataFrame(list(rows.values()))[["mre_mm", *rates]].mean()
        spread = np.ptp([figures["mre_mm"] for figures in rows.values()])
        cells = [f"mean of {len(rows)}", "", number(means["mre_mm"], 3), f"range {number(spread, 3)}"]
        print("|", " | ".join([*cells, *(number(means[key]) for key in rates)]), "|")


if __name__ == "__main__":
    main()
