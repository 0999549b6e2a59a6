r"""Points of ISBI 2015's Test1 from one detector, or from several that answer together, as `score_isbi2015.py` reads them.

    python benchmarks/predict_isbi2015.py --films /path/to/isbi2015/Test1Data --out points.csv \
        --models data/seed42/06_models --models data/seed43/06_models --models data/seed44/06_models

Views and crops are those of `conf/isbi2015/parameters_detector.yml`.
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
@click.option("--models", required=True, multiple=True, type=FOLDER, help="Folder of stage1 and stage2; several answer together.")
@click.option("--films", required=True, type=FOLDER)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Table of points to write.")
def main(models: tuple[Path, ...], films: Path, out: Path) -> None:
    """Write the points that the detectors find."""
    params = DetectorParams.model_validate(yaml.safe_load(PARAMETERS.read_text(encoding="utf-8"))["detector"])
    points, unreadable, *_ = predict_folder(LandmarkDetector.load(models, params), films, PIXEL_SIZE_MM)
    points[["image_id", "landmark", "x", "y"]].round(2).to_csv(out, index=False)
    click.echo(f"{points['image_id'].nunique()} films, {len(unreadable)} unreadable files: {out}")


if __name__ == "__main__":
    main()
