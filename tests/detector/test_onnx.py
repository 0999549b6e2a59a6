"""ONNX files that answer as the networks that they were made from."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ceph_pipeline.detector import DetectorParams, LandmarkDetector
from ceph_pipeline.detector.checkpoint import TrainedNet, create_net, load_checkpoint, load_networks, save_checkpoint
from ceph_pipeline.detector.onnx import OnnxError, OnnxNet, on_onnxruntime


@pytest.fixture(scope="module")
def models(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stage 1 with its ONNX file."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(checkpoints, folder, dirs_exist_ok=True)
    (trained,) = load_networks([folder / "stage1" / "best.ckpt"], "stage1", DetectorParams(runtime="onnxruntime"))
    assert trained.onnx is not None
    return folder


def test_points_are_those_of_torch_whatever_the_batch(
    dot_finder: TrainedNet, dot_refiner: TrainedNet, dotted: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ceph_pipeline.detector.forward.computes_bfloat16", lambda _: False)
    films = [dotted, dotted[:, ::-1], dotted[::-1]]
    networks = []
    for trained in (dot_finder, dot_refiner):
        (tmp_path / f"{trained.stage}.ckpt").write_text("stands for its checkpoint")
        networks.append(on_onnxruntime(trained, tmp_path / f"{trained.stage}.ckpt"))
    assert all(trained.onnx for trained in networks)
    by_torch = LandmarkDetector([dot_finder], [dot_refiner]).predict(films, pixel_size_mm=0.1)
    for batch_size in (1, 8):
        params = DetectorParams(device="cpu", batch_size=batch_size, crop_batch_size=7)
        found = LandmarkDetector(networks[:1], networks[1:], params).predict(films, pixel_size_mm=0.1)
        pd.testing.assert_frame_equal(found, by_torch, rtol=0, atol=1e-3)


def test_logits_are_those_of_torch_in_float32(models: Path) -> None:
    trained = load_checkpoint(models / "stage1" / "best.ckpt")
    images = torch.randn(3, 1, 64, 64)
    with torch.inference_mode():
        expected, found = trained.net(images), OnnxNet(models / "stage1" / "best.onnx", "stage1")(images)
    torch.testing.assert_close(found.heatmaps, expected.heatmaps, atol=1e-4, rtol=1e-4)
    assert found.cvm_logits is None
    assert found.measurements is None


def test_measurements_read_off_the_heatmaps_are_torch_s_too(tmp_path: Path) -> None:
    architecture = {"backbone": "resnet18", "n_landmarks": 4, "n_measurements": 3, "measured_maps": ("linear", 2.0)}
    net = create_net("stage1", architecture).eval()
    torch.nn.init.normal_(net.heatmap_head.maps.weight)
    trained = TrainedNet(net, "stage1", ("a", "b", "c", "d"), (64, 64), 4, 2.0, "linear", architecture, {"resize": "letterbox"})
    save_checkpoint(trained, tmp_path / "best.ckpt")
    answering = on_onnxruntime(trained, tmp_path / "best.ckpt").onnx
    assert answering is not None
    images = torch.randn(3, 1, 64, 64)
    with torch.inference_mode():
        expected, found = net(images), answering(images)
    torch.testing.assert_close(found.measurements, expected.measurements, atol=1e-2, rtol=1e-3)


def test_a_file_is_made_once_and_again_for_another_checkpoint(dot_finder: TrainedNet, tmp_path: Path) -> None:
    checkpoint, file = tmp_path / "best.ckpt", tmp_path / "best.onnx"
    checkpoint.write_text("stands for a checkpoint")
    on_onnxruntime(dot_finder, checkpoint)
    before = file.stat().st_mtime_ns
    on_onnxruntime(dot_finder, checkpoint)
    assert file.stat().st_mtime_ns == before
    checkpoint.write_text("stands for another")
    on_onnxruntime(dot_finder, checkpoint)
    assert file.stat().st_mtime_ns > before


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "best.onnx").write_bytes(b"no model")
    with pytest.raises(OnnxError, match=r"best\.onnx: onnxruntime cannot load it.*Delete the file"):
        OnnxNet(tmp_path / "best.onnx", "stage1")


def test_without_the_extra_it_is_named(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(OnnxError, match="uv sync --extra onnx"):
        OnnxNet(models / "stage1" / "best.onnx", "stage1")
