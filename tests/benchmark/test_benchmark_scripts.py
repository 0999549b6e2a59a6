"""Every script of `benchmarks/` runs, small, and prints its figures; a detector's time is told apart by its parts."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from detector_parts import PARTS, time_parts

from ceph_pipeline.benchmark import DetectorCase
from ceph_pipeline.benchmark.inference import load_untrained
from ceph_pipeline.benchmark.synthetic import draw_films
from ceph_pipeline.crops import SourcePyramid
from ceph_pipeline.heatmaps import decode
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.landmarks import Affines
from ceph_pipeline.models import create_refinement_net

CPU = torch.device("cpu")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ONCE = ["--iterations", "1", "--warmup", "0"]
SMALL_DETECTOR = "--stage1-backbone resnet18 --width 64 --height 64 --stage2-backbone resnet18 --crop 32 --landmarks 2 --images 1"
RUNS = {
    "hash_search": (["--hashes", "60,5000", "--rounds", "1"], "5,000 hashes: "),
    "crop_index": (["--images", "20", "--iterations", "1"], "2,900 crops in "),
    "detector_parts": (SMALL_DETECTOR.split(), "letterbox"),
    "drawing": (ONCE, "braces / warp"),
    "interval_coverage": (["--samples", "2", "--resamples", "200", "--draws", "500"], "| images |"),
    "memory_allocation": (
        ["--backbone", "resnet18", "--width", "64", "--height", "64", "--batch", "1", "--iterations", "1", "--rounds", "1"],
        "memory kept    : predict ",
    ),
    "source_digests": (["--films", "3", "--megabytes", "0.01"], "3 films of 0.01 MB: "),
    "training_sample": (ONCE, "µs per sample"),
}
"""Those whose figures have a test of their own are not here."""

TESTED_ELSEWHERE = {
    "audit_throughput",
    "augmentation_throughput",
    "crop_cutting",
    "evaluation_statistics",
    "film_to_measurements",
    "foreign_duplicates",
    "health_proof",
    "heatmap_codec",
    "isbi2015_rulers",
    "kill_trials",
    "planted_faults",
    "predict_isbi2015",
    "score_isbi2015",
    "stability",
}


def test_every_script_is_run_by_a_test():
    scripts = {path.stem for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    assert scripts == set(RUNS) | TESTED_ELSEWHERE


@pytest.mark.parametrize("name", RUNS)
def test_a_script_prints_its_figures(name):
    options, expected = RUNS[name]
    result = CliRunner().invoke(import_module(name).main, options, catch_exceptions=False)
    assert result.exit_code == 0
    assert expected in result.stdout


def test_each_part_is_found_and_the_networks_are_left_out():
    refiner = create_refinement_net("resnet18", 3).eval()
    film = np.zeros((400, 300), np.uint8)
    maps = Affines.crops(np.full((3, 2), 100.0), np.full(3, 64.0), 32)

    def predict():
        crops = SourcePyramid(film).cut(maps, 32)
        maps_of = refiner(torch.from_numpy(np.stack([normalise(crop) for crop in crops]))[:, None], torch.arange(3))
        decode(maps_of.detach())

    parts = time_parts(predict, CPU)
    assert set(parts) == {*PARTS, "other"}
    assert all(parts[name] > 0 for name in ("cutting", "normalising", "decoding"))
    assert parts["letterbox"] == 0, "the warps are those of crops"


def test_warps_of_whole_images_are_the_letterbox():
    case = DetectorCase(stage1_backbone="resnet18", width_px=64, height_px=64, stage2_backbone="resnet18", crop_px=32)
    detector = load_untrained(case, 2, CPU)
    parts = time_parts(lambda: detector.without_refinement().predict(draw_films(1)), CPU)
    assert parts["letterbox"] > 0
    assert parts["cutting"] == 0
