"""Several detectors' common points of a folder of films, in the table that is scored."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import predict_isbi2015
from click.testing import CliRunner
from score_isbi2015 import read_table

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.inference import LandmarkDetector


def test_an_ensemble_leaves_the_table_that_is_scored(
    checkpoints: Path, xrays: Callable[[Path, int], list[Path]], tmp_path: Path
) -> None:
    films = xrays(tmp_path / "films", 2)
    (films[0].parent / "damaged.png").write_bytes(b"no film")
    options = ["--films", str(films[0].parent), "--out", str(tmp_path / "points.csv"), *["--models", str(checkpoints)] * 2]
    result = CliRunner().invoke(predict_isbi2015.main, options, catch_exceptions=False)
    assert f"2 films, 1 unreadable files: {tmp_path / 'points.csv'}\n" in result.stdout
    shares = {"Gonion": 0.6, "A-point": 0.6, "Lower Incisor Tip": 0.0, "Upper Incisor Tip": 0.0}
    params = DetectorParams(views_stage1="five", refinement={"stage1_share": 0.25, "stage1_share_of": shares})
    alone = LandmarkDetector.load(checkpoints, params).predict(films, pixel_size_mm=0.1)
    columns = ["image_id", "landmark", "x", "y"]
    pd.testing.assert_frame_equal(read_table(tmp_path / "points.csv"), alone[columns], atol=0.02, check_dtype=False)
