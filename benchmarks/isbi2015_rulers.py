"""Ruler detectors on forty films of ISBI 2015 with marks set by hand: prepare a data set for training, and score a detector.

    python benchmarks/isbi2015_rulers.py prepare --films /path/to/isbi2015 --into data/isbi2015_rulers
    kedro run --env ruler --pipelines __default__,ruler --params \
raw_folder=data/isbi2015_rulers,raw_format=table,data_root=data/ruler_isbi2015,ingestion.reading.table.split=split,calibration.ruler_mm=18
    python benchmarks/isbi2015_rulers.py score --films /path/to/isbi2015 --models data/ruler_isbi2015/06_models --tested

`isbi2015_rulers.csv` contains two corners of the notched metal strip on the nasion rod, in px of the original films. p2 is the
upper right corner of the strip, and p1 is the upper right corner of the solid block below the ninth notch. The two corners are
nine pitches apart. The manufacturer's pitch is documented nowhere. 2 mm is the only round number that gives faces of human
size, so the marks are 18 mm apart. Two annotations of ten films by eye differ by 0.13 px from each other, and by 0.3 px from the
table.
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
"""Number of validation films, which select the epoch: the last of the twenty films of 001–150."""


def marked() -> pd.DataFrame:
    """The table, with each film's path in the challenge's folder and its split; films 151–300 are test films."""
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
    """Prepare a data set of rulers on real films, and score ruler detectors on these films."""


@main.command()
@click.option("--films", type=FOLDER, required=True, help="Folder of the challenge.")
@click.option("--into", type=click.Path(path_type=Path), required=True, help="New folder of the data set.")
def prepare(films: Path, into: Path) -> None:
    """Copy the forty films, and write `marks.csv` with their marks and splits."""
    into.mkdir(parents=True)
    table = marked()
    for path in table["path"]:
        shutil.copy(films / path, into)
    table.assign(image=table["image"] + ".jpg").drop(columns="path").to_csv(into / "marks.csv", index=False)


@main.command()
@click.option("--films", type=FOLDER, required=True, help="Folder of the challenge.")
@click.option("--models", type=FOLDER, required=True, help="Folder 06_models of a run.")
@click.option("--tested", is_flag=True, help="Score only the twenty test films.")
def score(films: Path, models: Path, *, tested: bool) -> None:
    """Print the errors of a detector's marks, and of the pixel sizes computed from the marks."""
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
    print(f"{int(sizes['has_ruler'].sum())} of {len(ids)} rulers found, {int(sizes['is_usable'].sum())} usable")
    print("error of the marks, px:", {name: round(value, 3) for name, value in error_statistics(errors.ravel()).items()})
    print("error of mm/pixel, %:", {name: round(value, 3) for name, value in size_statistics(compared["size_error_pct"]).items()})
    mm = sizes["ruler_mm_per_pixel"]
    print(f"mm per pixel: mean {mm.mean():.5f}, sd {mm.std():.5f}, mean predicted standard error {sizes['ruler_se'].mean():.5f}")


if __name__ == "__main__":
    main()
