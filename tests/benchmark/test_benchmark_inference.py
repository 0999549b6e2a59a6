"""A detector against its networks alone: the very same forward passes."""

import cv2
import film_to_measurements
import pytest
import torch
from click.testing import CliRunner

from ceph_pipeline.benchmark import BenchmarkParams, DetectorCase
from ceph_pipeline.benchmark.forwards import recorded_forwards
from ceph_pipeline.benchmark.inference import PIXEL_SIZE_MM, load_untrained, measure_detector
from ceph_pipeline.benchmark.synthetic import draw_films
from ceph_pipeline.detector import LandmarkDetector
from ceph_pipeline.models import RefinementNet, create_refinement_net

CPU = torch.device("cpu")
CASE = DetectorCase(
    stage1_backbone="resnet18",
    width_px=64,
    height_px=64,
    stage2_backbone="resnet18",
    crop_px=32,
    images=2,
    batch_size=2,
    crop_batch_size=4,
)
PARAMS = BenchmarkParams(num_iterations=3, num_warmup=1, device="cpu", n_landmarks=2)


@pytest.fixture(scope="module")
def detector():
    return load_untrained(CASE, PARAMS.n_landmarks, CPU)


@pytest.fixture(scope="module")
def refiner():
    return create_refinement_net("resnet18", 3).eval()


def test_figures_of_a_detector_agree_with_each_other():
    row = measure_detector(CASE, PARAMS)
    assert row["images_per_s"] == pytest.approx(1000 / row["ms_per_image"])
    assert row["of_bare"] == pytest.approx(row["forward_ms_per_image"] / row["ms_per_image"])
    assert row["repetitions"] == 3


def test_every_crop_goes_through_the_network_in_batches_that_are_no_larger_than_asked(detector):
    films = draw_films(CASE.images)
    calls = recorded_forwards(lambda: detector.predict(films, pixel_size_mm=PIXEL_SIZE_MM)).calls
    crops = [inputs[0] for net, inputs in calls if isinstance(net, RefinementNet)]
    whole = [inputs[0] for net, inputs in calls if not isinstance(net, RefinementNet)]
    assert sum(map(len, whole)) == 2
    assert sum(map(len, crops)) == 2 * 2 * 5, "films, landmarks, crops"
    assert max(map(len, crops)) <= 4
    assert {tensor.shape[1:] for tensor in crops} == {(1, 32, 32)}


def test_replayed_passes_see_the_same_pixels_in_the_same_layout(refiner):
    crops = torch.randn(4, 32, 32)[..., None].permute(0, 3, 1, 2)
    forwards = recorded_forwards(lambda: refiner(crops, torch.tensor([0, 2, 1, 0])))
    again = recorded_forwards(forwards.replay)
    for (net, inputs), (replayed, given) in zip(forwards.calls, again.calls, strict=True):
        assert net is replayed is refiner
        assert [tensor.stride() for tensor in inputs] == [tensor.stride() for tensor in given]
        assert all(torch.equal(one, other) for one, other in zip(inputs, given, strict=True))


def test_what_was_not_recorded_leaves_no_trace(refiner):
    forwards = recorded_forwards(lambda: None)
    refiner(torch.zeros(1, 1, 32, 32), torch.tensor([0]))
    assert forwards.calls == []


def test_films_are_timed_from_their_files_to_their_measurements(detector, tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(LandmarkDetector, "load", lambda _: detector)
    monkeypatch.setattr(film_to_measurements, "measure", lambda face, pixel_size_mm: measured.append((set(face), pixel_size_mm)))
    for number, film in enumerate(draw_films(2)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), film)
    options = ["--models", str(tmp_path), "--films", str(tmp_path)]
    result = CliRunner().invoke(film_to_measurements.main, options)
    assert result.exception is None
    assert result.stdout.startswith("2 films: ")
    assert measured == [(set(detector.landmarks), 0.1)] * 5, "once to warm up, then each film recorded and timed"
