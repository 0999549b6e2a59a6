"""The ruler on forty films of ISBI 2015 that were marked by hand: a set to train on, and the score of a detector.

    python benchmarks/isbi2015_rulers.py prepare --films /path/to/isbi2015 --into data/isbi2015_rulers
    kedro run --env ruler --pipelines __default__,ruler --params \
raw_folder=data/isbi2015_rulers,raw_format=table,data_root=data/ruler_isbi2015,ingestion.reading.table.split=split,calibration.ruler_mm=18
    python benchmarks/isbi2015_rulers.py score --films /path/to/isbi2015 --models data/ruler_isbi2015/06_models --tested

`isbi2015_rulers.csv` has two corners of the notched metal strip on the nasion rod, in px of the originals: p2 is its upper right
corner, p1 that of the solid block below the ninth notch. They are nine pitches apart. The maker's pitch is documented nowhere;
2 mm is the only round number that makes faces of human size, so that the marks are 18 mm apart. Two passes over ten films by eye
were 0.13 px apart, and 0.3 px from the table.
"""

import shutil
from pathlib import Path

import click
import numpy as np
import pandas as pd

from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.calibration.pixel_size import pixel_sizes
from ceph_pipeline.calibration.presence import read_presence
from ceph_pipeline.calibration.ruler_errors import compare_with_truth, error_statistics, size_statistics
from ceph_pipeline.detector import LandmarkDetector

TABLE = Path(__file__).with_suffix(".csv")
RULER_MM = 18.0
VALID = 4
"""Of the first twenty films, those that choose the epoch."""


def marked() -> pd.DataFrame:
    """The table, with each film's path in the challenge's folder, and its split: 151–300 are for testing."""
    table = pd.read_csv(TABLE, dtype={"image": str})
    learned = table["image"].astype(int) <= 150
    valid = learned & (learned.cumsum() > learned.sum() - VALID)
    folder = np.where(learned, "TrainingData", "Test1Data")
    return table.assign(
        split=np.select([valid, learned], ["valid", "train"], "test"), path=folder + "/" + table["image"] + ".jpg"
    )


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def main() -> None:
    """Train and score ruler detectors on real films."""


@main.command()
@click.option("--films", type=FOLDER, required=True, help="folder of the challenge")
@click.option("--into", type=click.Path(path_type=Path), required=True, help="new folder")
def prepare(films: Path, into: Path) -> None:
    """Copy the forty films, with a sheet of their marks and splits."""
    into.mkdir(parents=True)
    table = marked()
    for path in table["path"]:
        shutil.copy(films / path, into)
    table.assign(image=table["image"] + ".jpg").drop(columns="path").to_csv(into / "marks.csv", index=False)


@main.command()
@click.option("--films", type=FOLDER, required=True, help="folder of the challenge")
@click.option("--models", type=FOLDER, required=True, help="06_models of a run")
@click.option("--tested", is_flag=True, help="only the twenty that the set of `prepare` is tested on")
def score(films: Path, models: Path, *, tested: bool) -> None:
    """Errors of a detector, and the pixel sizes that follow."""
    table = marked()
    table = table[table["split"] == "test"] if tested else table
    found = LandmarkDetector.load(models).predict([films / path for path in table["path"]])
    ids = table["image"].tolist()
    found = found.assign(image_id=found["image_id"].astype(str))
    sizes = pixel_sizes(found, ids, np.full(len(ids), 0.1), read_presence(models).min_peak, CalibrationParams(ruler_mm=RULER_MM))
    truth = pd.concat(
        pd.DataFrame({"image_id": ids, "landmark": name, "x": table[f"{name}_x"].array, "y": table[f"{name}_y"].array})
        for name in ("p1", "p2")
    )
    images = pd.DataFrame({"image_id": ids, "machine": "ISBI 2015", "split": "test"})
    compared = compare_with_truth(sizes, truth, images, RULER_MM)
    errors = compared[["error_p1_px", "error_p2_px"]].to_numpy()
    print(f"{int(sizes['has_ruler'].sum())} of {len(ids)} rulers seen, {int(sizes['is_usable'].sum())} usable")
    print("marks, px:", {name: round(value, 3) for name, value in error_statistics(errors.ravel()).items()})
    print("mm per pixel, %:", {name: round(value, 3) for name, value in size_statistics(compared["size_error_pct"]).items()})
    mm = sizes["ruler_mm_per_pixel"]
    print(f"mm per pixel {mm.mean():.5f}, sd {mm.std():.5f}; standard error as predicted {sizes['ruler_se'].mean():.5f}")


if __name__ == "__main__":
    main()
