"""Time a detector, from films in memory to refined points, and compare it with the forward passes of its networks alone."""

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
"""Side of the crops' field of view; it is fixed, because the points of untrained networks do not show the size of a face."""


def measure_detector(case: DetectorCase, params: BenchmarkParams) -> dict[str, Any]:
    """Time `LandmarkDetector.predict` on random films, and the forward passes of its networks on the same tensors.

    Both are repeated alternately. The networks have random weights, which does not affect the speed; crops have random centres.

    Returns:
        The fields of the case, `device`, `images_per_s`, `ms_per_image`, `forward_ms_per_image`, `of_bare` (time of the forward
        passes divided by the whole time) and `repetitions`.
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
    """A detector with random weights, loaded from checkpoints like a trained detector."""
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
