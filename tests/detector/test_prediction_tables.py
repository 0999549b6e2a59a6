"""Stage 1's points on a table of images."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch import Tensor, nn

from ceph_pipeline.detector import DetectorParams, LandmarkDetector
from ceph_pipeline.detector.checkpoint import TrainedNet, load_checkpoint, load_networks, save_checkpoint
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.detector.tables import whole_image_tables
from ceph_pipeline.images import ImageStore, read_image
from ceph_pipeline.landmarks.tables import PredictionTable
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.views import ViewGrid, Views


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
    assert f"detector.views_stage1: flipped views are skipped; {one_way} was trained" in caplog.text


class Contrasted(nn.Module):
    """A network whose stage head says how contrasty the view is, which depends on the padding in it."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> LandmarkOutput:
        above = images.std(dim=(1, 2, 3), keepdim=True)[:, 0, 0] - 1.5
        return self.net(images)._replace(cvm_logits=above.expand(-1, 5))


@pytest.mark.parametrize("views", ["grid", ViewGrid(scales=(0.7, 1.2))], ids=["plain among others", "without plain"])
@pytest.mark.parametrize("count", [1, 2], ids="{} networks".format)
def test_evaluation_and_inference_say_the_same_of_the_same_views(
    dot_finder: TrainedNet, dotted: np.ndarray, views: Views, count: int
) -> None:
    networks = [replace(dot_finder, net=Contrasted(dot_finder.net).eval())] * count
    images = pd.DataFrame({"image_id": ["a"], "width": 1000, "height": 1200, "pixel_size_mm": np.nan})
    params = DetectorParams(device="cpu", views_stage1=views)
    evaluated = whole_image_tables(networks, ImageSet(images, {"a": dotted}.__getitem__, "digest"), params)
    points, cvm = LandmarkDetector(networks, params=params).predict_with_cvm({"a": dotted})
    plain = LandmarkDetector(networks).predict_with_cvm({"a": dotted}).cvm
    expected = evaluated.head_outputs.set_index("output")["value"]
    assert cvm["probability"].tolist() == [expected["cvm_probability"]] == plain["probability"].tolist()
    assert cvm["cvm_stage"].tolist() == [expected["cvm_stage"]]
    columns = ["x", "y", "sigma_px", "peak"]
    pd.testing.assert_frame_equal(points[columns], evaluated.stage1_tta[columns])
    pd.testing.assert_frame_equal(LandmarkDetector(networks[:1]).predict({"a": dotted})[columns], evaluated.stage1[columns])
