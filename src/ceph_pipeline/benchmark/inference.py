"""A detector from films in memory to refined points, against the bare forward passes of its networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ceph_pipeline.benchmark.forwards import recorded_forwards
from ceph_pipeline.benchmark.params import NetCase
from ceph_pipeline.benchmark.steps import untrained
from ceph_pipeline.benchmark.synthetic import draw_films
from ceph_pipeline.benchmark.timing import time_in_turn
from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.checkpoint import save_checkpoint
from ceph_pipeline.detector.files import STAGE1_FILE, STAGE2_FILE
from ceph_pipeline.detector.forward import resolve_device
from ceph_pipeline.detector.landmark_detector import LandmarkDetector

if TYPE_CHECKING:
    import torch

    from ceph_pipeline.benchmark.params import BenchmarkParams, DetectorCase

PIXEL_SIZE_MM = 0.1
FIELD_MM = 25.0
"""Side of the crops' field of view. Points of untrained networks tell no face's size."""


def measure_detector(case: DetectorCase, params: BenchmarkParams) -> dict[str, Any]:
    """Time `LandmarkDetector.predict` on drawn films, and its networks alone on the very tensors that they were given.

    Both are repeated in turn. Networks have random weights, which are as fast as trained ones; crops lie about random points.

    Returns:
        The case's fields, `images_per_s`, `ms_per_image`, `forward_ms_per_image` and the latter's share `of_bare`.
    """
    device = resolve_device(params.device)
    films = draw_films(case.images)
    detector = load_untrained(case, params.n_landmarks, device)

    def predict() -> object:
        return detector.predict(films, pixel_size_mm=PIXEL_SIZE_MM)

    forwards = recorded_forwards(predict)
    steps = {"whole": predict, "bare": forwards.replay}
    timings = time_in_turn(steps, params.num_iterations, params.num_warmup, device, params.max_seconds)
    whole_s, bare_s = timings["whole"].median_s / case.images, timings["bare"].median_s / case.images
    return {
        **case.model_dump(),
        "device": device.type,
        "images_per_s": 1 / whole_s,
        "ms_per_image": 1000 * whole_s,
        "forward_ms_per_image": 1000 * bare_s,
        "of_bare": bare_s / whole_s,
        "repetitions": timings["whole"].repetitions,
    }


def load_untrained(case: DetectorCase, n_landmarks: int, device: torch.device) -> LandmarkDetector:
    """A detector of random weights, from checkpoints as a trained one."""
    inputs = {
        "stage1": (case.stage1_backbone, case.width_px, case.height_px, 4),
        "stage2": (case.stage2_backbone, case.crop_px, case.crop_px, case.stage2_stride),
    }
    facts = {"resize": "letterbox", "crops": CropParams(crop_px=case.crop_px, field_mm=FIELD_MM).model_dump()}
    with TemporaryDirectory() as folder:
        for (stage, (backbone, width, height, stride)), file in zip(inputs.items(), (STAGE1_FILE, STAGE2_FILE), strict=True):
            net = NetCase(stage=stage, backbone=backbone, width_px=width, height_px=height, stride=stride)
            trained = replace(untrained(net, n_landmarks), activation=case.activation, facts=facts)
            save_checkpoint(trained, Path(folder) / file)
        params = DetectorParams(device=device.type, batch_size=case.batch_size, crop_batch_size=case.crop_batch_size)
        return LandmarkDetector.load(folder, params)
