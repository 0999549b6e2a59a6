"""Score tables of predicted points on ISBI 2015 with the annotation files of the challenge.

    python benchmarks/score_isbi2015.py docs/isbi2015_test1_points.csv --annotations /path/to/AnnotationsByMD

A table has the columns `image_id, landmark, x, y`: the number of the film, the full name of the landmark, and coordinates in px
of the original film. The truth is the mean of both readers; the pixel size is 0.1 mm. For several tables, for instance of several
seeds, the output has one row per table and one row with the means.
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
    """A table cannot be scored, because points are missing or duplicated, or an annotation file is missing or unusable."""


def truth_of(image_ids: list[str], annotations: Path) -> pd.DataFrame:
    """Mean of both readers' points: `image_id, landmark, x, y`.

    Args:
        image_ids: Numbers of the films, with three digits.
        annotations: Folder that contains `400_senior` and `400_junior`.

    Raises:
        ScoreError: a reader's file of an image is missing or unusable.
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
    """Read a table of predicted points, in which each image has each landmark once.

    Raises:
        ScoreError: a column or a point is missing, or a point occurs more than once.
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
    """Metrics of one table of points, computed by `stage_metrics`."""
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
