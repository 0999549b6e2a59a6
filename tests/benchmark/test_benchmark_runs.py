"""Timings are medians of warmed repetitions, and the figures hang together."""

import time

import pytest
import torch

from ceph_pipeline.benchmark import BenchmarkParams, NetCase
from ceph_pipeline.benchmark.runs import run_benchmark
from ceph_pipeline.benchmark.steps import random_batch, training_step, untrained
from ceph_pipeline.benchmark.timing import time_step
from ceph_pipeline.pipelines.benchmark.nodes import time_networks

CPU = torch.device("cpu")
WHOLE = NetCase(stage="stage1", backbone="resnet18", width_px=64, height_px=32, batch_size=3)
CROPS = NetCase(stage="stage2", backbone="resnet18", width_px=32, height_px=32, batch_size=5)


def test_the_median_is_of_the_timed_repetitions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    naps = iter([9.0, 9.0, 1.0, 2.0, 6.0])  # seconds: two to warm up, three that count

    def step() -> None:
        nonlocal now
        now += next(naps)

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    timing = time_step(step, iterations=3, warmup=2, device=CPU)
    assert timing.median_s == pytest.approx(2)
    assert timing.low_s == pytest.approx(1.2)  # a tenth of the way from 1 to 6 over 2
    assert timing.high_s == pytest.approx(5.2)
    assert next(naps, None) is None


def test_every_case_has_its_steps_and_consistent_figures() -> None:
    params = BenchmarkParams(num_iterations=3, num_warmup=1, device="cpu", n_landmarks=4, cases=(WHOLE, CROPS))
    report, table = run_benchmark(params)
    assert report["environment"]["device"] == "cpu"
    assert table[["step", "stage"]].apply(tuple, axis=1).tolist() == [
        (step, stage) for stage in ("stage1", "stage2") for step in ("forward", "inference", "training")
    ]
    for row in report["results"]:
        assert row["images_per_s"] == pytest.approx(1000 * row["batch_size"] / row["median_ms"])
        assert row["p10_ms"] <= row["median_ms"] <= row["p90_ms"]
        assert 10 < row["million_parameters"] < 30
    of_bare = table.loc[table["step"] == "inference", "of_bare_forward"]
    bare = table.loc[table["step"] == "forward", "median_ms"].to_numpy()
    assert of_bare.to_numpy() == pytest.approx(bare / table.loc[table["step"] == "inference", "median_ms"].to_numpy())


@pytest.mark.parametrize(("mode", "steps"), [("inference", ["forward", "inference"]), ("training", ["training"])])
def test_a_mode_times_its_steps_alone(mode: str, steps: list[str]) -> None:
    params = BenchmarkParams(mode=mode, num_iterations=3, num_warmup=1, device="cpu", n_landmarks=2, cases=(CROPS,))
    report, table = time_networks(params)
    assert table["step"].tolist() == steps
    assert [row["step"] for row in report["results"]] == steps


@pytest.mark.parametrize(("case", "precision"), [(WHOLE, "float32"), (CROPS, "bfloat16")], ids=["whole images", "crops"])
def test_the_timed_training_step_learns(case: NetCase, precision: str) -> None:
    step = training_step(untrained(case, 4, CPU), random_batch(case, 4), precision)
    losses = [float(step()) for _ in range(4)]
    assert losses[-1] < losses[0]
