"""Stage 1's points on a table of images."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ceph_pipeline.detector import DetectorParams, LandmarkDetector
from ceph_pipeline.detector.checkpoint import load_checkpoint, load_networks, save_checkpoint
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.detector.tables import whole_image_tables
from ceph_pipeline.images import ImageStore, read_image
from ceph_pipeline.landmarks.tables import PredictionTable


def test_the_images_of_a_store_are_predicted_in_their_order(
    checkpoints: Path, tmp_path: Path, xrays: Callable[[Path, int], list[Path]]
) -> None:
    store = ImageStore(str(tmp_path / "cache"), format="npy")
    for file in xrays(tmp_path / "files", 3):
        store.write(file.stem, read_image(file))
    images = pd.DataFrame({"image_id": ["xray_2", "xray_0"], "width": 1000, "height": 1200, "pixel_size_mm": 0.1})
    networks = load_networks([checkpoints / "stage1" / "best.ckpt"], "stage1", DetectorParams())
    index = pd.DataFrame({"image_id": ["xray_2", "xray_0"], "digest": "as taken"})
    found = whole_image_tables(networks, ImageSet.of_cache(images, store, index), DetectorParams(device="cpu"))
    table = PredictionTable.validate(found.stage1)
    assert table["image_id"].unique().tolist() == ["xray_2", "xray_0"]
    assert table["stage"].unique() == ["stage1"]
    detector = LandmarkDetector.load(checkpoints, DetectorParams(device="cpu")).without_refinement()
    again = detector.predict({"xray_2": store.read("xray_2")})  # the cached size: ten times smaller
    first = table[table["image_id"] == "xray_2"]
    pd.testing.assert_series_equal((again["x"] + 0.5) * 10 - 0.5, first["x"], atol=0.05)


@pytest.mark.parametrize("views", ["ten", {"flips": [True]}], ids=["among others", "alone"])
def test_flipped_views_that_were_not_learned_are_said_with_the_network(
    checkpoints: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, views: object
) -> None:
    both, one_way = checkpoints / "stage1" / "best.ckpt", tmp_path / "one_way.ckpt"
    trained = load_checkpoint(both)
    trained.facts["flips"] = False
    save_checkpoint(trained, one_way)
    params = DetectorParams.model_validate({"views_stage1": views})
    load_networks([both], "stage1", params)
    assert "flipped" not in caplog.text
    load_networks([both, one_way], "stage1", params)
    assert f"detector.views_stage1: flipped views are left out; {one_way} has learned" in caplog.text
