"""Timings are medians of warmed repetitions."""

import subprocess
import sys
import time

import pytest
import torch

from ceph_pipeline.benchmark.timing import time_in_turn, time_step

CPU = torch.device("cpu")


@pytest.fixture
def napping(monkeypatch):
    """A step that takes the seconds it is given, on a clock of its own."""
    now = 0.0

    def make(*seconds):
        naps = iter(seconds)

        def step():
            nonlocal now
            now += next(naps)

        return step, naps

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    return make


def test_the_median_is_of_the_timed_repetitions_alone(napping):
    step, naps = napping(9.0, 9.0, 1.0, 2.0, 6.0)  # two to warm up, three that count
    timing = time_step(step, iterations=3, warmup=2, device=CPU)
    assert timing.median_s == pytest.approx(2)
    assert timing.low_s == pytest.approx(1.2)  # a tenth of the way from 1 to 6 over 2
    assert timing.high_s == pytest.approx(5.2)
    assert next(naps, None) is None


def test_slow_steps_are_repeated_three_times_and_no_more(napping):
    step, _ = napping(*[40.0] * 9)
    assert time_step(step, iterations=8, warmup=1, device=CPU, max_seconds=60).repetitions == 3


def test_quick_steps_are_repeated_until_the_time_is_up(napping):
    step, _ = napping(*[10.0] * 9)
    assert time_step(step, iterations=8, warmup=1, device=CPU, max_seconds=60).repetitions == 6


def test_steps_that_are_compared_take_turns():
    order = []
    steps = {name: lambda name=name: order.append(name) for name in ("bare", "whole")}
    timings = time_in_turn(steps, iterations=3, warmup=1, device=CPU)
    assert order == ["bare", "whole"] * 4
    assert [timing.repetitions for timing in timings.values()] == [3, 3]


def test_peak_memory_on_the_cpu_is_what_a_process_took_since_whatever_the_one_that_started_it_has():
    code = (
        "import torch; from ceph_pipeline.benchmark.memory import PeakMemory; memory = PeakMemory(torch.device('cpu')); "
        "torch.ones(128 * 2**20, dtype=torch.uint8); memory.restart(); print(memory.mebibytes())"
    )
    held = torch.ones(512 * 2**20, dtype=torch.uint8)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(128, rel=0.1), f"beside {held.numel()} bytes"
