r"""Predict the points of ISBI 2015's Test1 with one detector or an ensemble, as a table for `score_isbi2015.py`.

    python benchmarks/predict_isbi2015.py --films /path/to/isbi2015/Test1Data --out points.csv \
        --models data/seed42/06_models --models data/seed43/06_models --models data/seed44/06_models

Predictions of several detectors are averaged. Views and crops are configured in `conf/isbi2015/parameters_detector.yml`.
"""

from pathlib import Path

import click
import yaml

from ceph_pipeline.detector import DetectorParams, LandmarkDetector
from ceph_pipeline.formats.isbi2015 import PIXEL_SIZE_MM
from ceph_pipeline.inference.folder import predict_folder

PARAMETERS = Path(__file__).parents[1] / "conf" / "isbi2015" / "parameters_detector.yml"
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--models", required=True, multiple=True, type=FOLDER, help="Folder with stage1 and stage2; repeatable.")
@click.option("--films", required=True, type=FOLDER)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="CSV file of the predicted points.")
def main(models: tuple[Path, ...], films: Path, out: Path) -> None:
    """Predict the points of a folder of films, and write a table of the points."""
    params = DetectorParams.model_validate(yaml.safe_load(PARAMETERS.read_text(encoding="utf-8"))["detector"])
    points, unreadable, *_ = predict_folder(LandmarkDetector.load(models, params), films, PIXEL_SIZE_MM)
    points[["image_id", "landmark", "x", "y"]].round(2).to_csv(out, index=False)
    click.echo(f"{points['image_id'].nunique()} films, {len(unreadable)} unreadable files: {out}")


if __name__ == "__main__":
    main()
