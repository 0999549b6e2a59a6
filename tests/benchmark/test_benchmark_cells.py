"""Cells of the benchmark: their figures hang together, and what cannot be measured says why."""

import pandas as pd
import pytest
import torch

from ceph_pipeline.benchmark import BenchmarkParams, NetCase, cells, isolation, runs
from ceph_pipeline.benchmark.cells import Cell, measure
from ceph_pipeline.benchmark.precision import Arithmetic, CannotCompileError, without_tf32
from ceph_pipeline.benchmark.steps import random_batch, training_step, untrained

CPU = torch.device("cpu")
WHOLE = NetCase(stage="stage1", backbone="resnet18", width_px=64, height_px=32, batch_sizes=(3,))
CROPS = NetCase(stage="stage2", backbone="resnet18", width_px=32, height_px=32, batch_sizes=(5, 2))
PARAMS = BenchmarkParams(num_iterations=3, num_warmup=1, device="cpu", n_landmarks=4, cases=(WHOLE, CROPS))


def _in_this_process(monkeypatch):
    monkeypatch.setattr(runs, "in_own_process", lambda function, *args: function(*args))


class TestCells:
    def test_each_network_batch_size_mode_and_configuration_is_one(self):
        found = cells.cells(PARAMS)
        assert len(found) == (1 + 2) * 2 * 4
        assert len(set(found)) == len(found)
        assert cells.cells(PARAMS.model_copy(update={"cases": (WHOLE, CROPS, WHOLE)})) == found, "one configured twice"

    def test_cases_of_one_network_may_overlap_in_batch_sizes(self, monkeypatch):
        cases = tuple(WHOLE.model_copy(update={"batch_sizes": sizes, "gpu_only": sizes == (6, 8)}) for sizes in ((1, 6), (6, 8)))
        params = PARAMS.model_copy(update={"cases": cases, "configurations": ("float32", "amp"), "mode": "training"})
        monkeypatch.setattr(runs, "_measured", lambda cell, params: cells.failed(cell, "not timed"))
        table = runs.time_cells(params)
        assert table["batch_size"].tolist() == [size for size in (1, 6, 8) for _ in range(4)]

    def test_a_batch_of_nothing_is_refused(self):
        with pytest.raises(ValueError, match="batch_sizes"):
            NetCase(batch_sizes=(0,))

    @pytest.mark.parametrize(("mode", "steps"), [("inference", ("forward", "inference")), ("training", ("bare", "training"))])
    def test_a_mode_has_its_bare_step_and_its_whole_step(self, mode, steps):
        found = cells.cells(PARAMS.model_copy(update={"mode": mode}))
        assert {cell.steps() for cell in found} == {steps}

    @pytest.mark.parametrize(("case", "configuration"), [(WHOLE, "float32"), (WHOLE, "amp"), (CROPS, "amp_channels_last")])
    def test_figures_of_a_cell_agree_with_each_other(self, case, configuration):
        bare, whole = measure(Cell(case, 2, configuration, "training"), PARAMS)
        assert (bare["step"], whole["step"]) == ("bare", "training")
        assert bare["of_bare"] == 1
        assert whole["of_bare"] == pytest.approx(bare["median_ms"] / whole["median_ms"])
        for row in (bare, whole):
            assert row["status"] == "ok"
            assert row["images_per_s"] == pytest.approx(1000 * 2 / row["median_ms"])
            assert row["p10_ms"] <= row["median_ms"] <= row["p90_ms"]
            assert 10 < row["million_parameters"] < 30
            assert row["gflop_per_input"] > 0.05
            assert row["peak_memory_mib"] >= 0

    def test_inference_gives_points_in_memory(self):
        bare, whole = measure(Cell(WHOLE, 2, "amp_channels_last", "inference"), PARAMS)
        assert [(row["step"], row["status"]) for row in (bare, whole)] == [("forward", "ok"), ("inference", "ok")]
        assert whole["of_bare"] == pytest.approx(bare["median_ms"] / whole["median_ms"])

    @pytest.mark.parametrize(("case", "configuration"), [(WHOLE, "float32"), (CROPS, "amp_channels_last")])
    def test_the_timed_training_step_learns(self, case, configuration):
        arithmetic = Arithmetic.of(configuration, CPU)
        trained = untrained(case, 4)
        arithmetic.prepare(trained.net)
        step = training_step(trained, random_batch(case, 3, 4), arithmetic)
        losses = [float(step()) for _ in range(4)]
        assert losses[-1] < losses[0]


class TestWhatCannotBeMeasured:
    def test_batch_beyond_the_memory_is_recorded_and_the_rest_goes_on(self, monkeypatch):
        def too_large(case, batch_size, n_landmarks):
            if batch_size == 5:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80.00 GiB.")
            return random_batch(case, batch_size, n_landmarks)

        _in_this_process(monkeypatch)
        monkeypatch.setattr(cells, "random_batch", too_large)
        params = PARAMS.model_copy(update={"cases": (CROPS,), "configurations": ("float32",), "mode": "training"})
        table = runs.time_cells(params)
        assert table[["step", "batch_size", "status"]].to_numpy().tolist() == [
            ["bare", 5, "out of memory"],
            ["training", 5, "out of memory"],
            ["bare", 2, "ok"],
            ["training", 2, "ok"],
        ]
        assert table["images_per_s"].isna().tolist() == [True, True, False, False]

    def test_process_that_the_system_killed_is_recorded_as_out_of_memory(self, monkeypatch):
        def killed(function, *args):
            raise isolation.KilledError

        monkeypatch.setattr(runs, "in_own_process", killed)
        table = runs.time_cells(PARAMS.model_copy(update={"configurations": ("amp",), "cases": (WHOLE,)}))
        assert table["status"].unique().tolist() == ["out of memory"]
        assert len(table) == 4

    def test_platform_without_a_compiler_is_recorded(self, monkeypatch):
        def no_compiler(self, net):
            raise CannotCompileError("no g++")

        monkeypatch.setattr(Arithmetic, "prepare", no_compiler)
        rows = measure(Cell(WHOLE, 1, "amp_channels_last_compile", "inference"), PARAMS)
        assert [row["status"] for row in rows] == ["cannot compile: no g++"] * 2

    def test_compiler_that_fails_on_a_network_is_recorded(self, monkeypatch):
        def breaks(self, net):
            raise NotImplementedError("lowering")

        monkeypatch.setattr(Arithmetic, "prepare", breaks)
        rows = measure(Cell(WHOLE, 1, "amp_channels_last_compile", "inference"), PARAMS)
        assert rows[0]["status"] == "cannot compile: NotImplementedError"
        with pytest.raises(NotImplementedError):
            measure(Cell(WHOLE, 1, "amp", "inference"), PARAMS)


class TestArithmetic:
    def test_configurations_are_what_their_names_say(self):
        found = {name: Arithmetic.of(name, CPU) for name in PARAMS.configurations}
        assert [found[name].dtype for name in found] == [None, *[torch.bfloat16] * 3]
        assert [found[name].layout == torch.channels_last for name in found] == [False, False, True, True]
        assert [found[name].compiled for name in found] == [False, False, False, True]

    def test_older_gpu_computes_in_float16_with_scaled_gradients(self, monkeypatch):
        monkeypatch.setattr("ceph_pipeline.benchmark.precision.computes_bfloat16", lambda device: False)
        arithmetic = Arithmetic.of("amp", torch.device("cuda"))
        assert arithmetic.dtype == torch.float16

    @pytest.mark.slow  # importing torch's compiler takes seconds
    def test_compiled_net_keeps_the_names_of_its_weights(self, monkeypatch):
        monkeypatch.setattr("ceph_pipeline.benchmark.precision.why_not", lambda device: "")
        net = torch.nn.Conv2d(1, 2, 3)
        Arithmetic(CPU, None, torch.channels_last, compiled=True).prepare(net)
        assert set(net.state_dict()) == {"weight", "bias"}
        assert net._compiled_call_impl is not None

    def test_platform_that_cannot_compile_is_said(self, monkeypatch):
        monkeypatch.setattr("ceph_pipeline.benchmark.precision.why_not", lambda device: "no g++")
        with pytest.raises(CannotCompileError, match=r"no g\+\+"):
            Arithmetic(CPU, None, torch.channels_last, compiled=True).prepare(torch.nn.Conv2d(1, 2, 3))

    def test_tf32_is_off_inside_and_as_it_was_outside(self):
        before = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = True
        try:
            with without_tf32():
                assert not torch.backends.cudnn.allow_tf32
                assert not torch.backends.cuda.matmul.allow_tf32
            assert torch.backends.cudnn.allow_tf32
        finally:
            torch.backends.cudnn.allow_tf32 = before


class TestTable:
    @staticmethod
    def _row(configuration, images_per_s, peak, step="training", stage="stage1", status="ok"):
        return {"step": step, "stage": stage, "backbone": "w48", "width_px": 512, "height_px": 512, "stride": 4,
                "batch_size": 6, "configuration": configuration, "status": status,
                "images_per_s": images_per_s, "peak_memory_mib": peak}  # fmt: skip

    def test_speed_and_memory_are_compared_with_float32_of_the_same_step_and_batch(self):
        table = runs.compared(
            pd.DataFrame(
                [self._row("float32", 10.0, 8000.0), self._row("amp", 26.0, 4800.0), self._row("amp", 90.0, 100.0, "inference")]
            )
        )
        assert table["speedup"].tolist()[:2] == pytest.approx([1.0, 2.6])
        assert table["memory_ratio"].tolist()[:2] == pytest.approx([1.0, 0.6])
        assert table["speedup"].isna().tolist() == [False, False, True]

    def test_epochs_are_projected_for_training_alone(self):
        rows = [
            self._row("amp", 26.0, 1.0),
            self._row("amp", 90.0, 1.0, "inference"),
            self._row("amp", 600.0, 1.0, stage="stage2"),
        ]
        table = runs.projected(pd.DataFrame(rows), {"stage1": 4550, "stage2": 60_000}, {"stage1": 200, "stage2": 30})
        assert table["epoch_s"].tolist() == pytest.approx([175.0, float("nan"), 100.0], nan_ok=True)
        assert table["training_h"].tolist() == pytest.approx([175 * 200 / 3600, float("nan"), 100 * 30 / 3600], nan_ok=True)


class TestOwnProcess:
    def test_answer_comes_from_another_process(self):
        import os

        assert isolation.in_own_process(os.getpid) != os.getpid()

    def test_killed_process_is_said(self):
        import os

        with pytest.raises(isolation.KilledError, match="run out of memory"):
            isolation.in_own_process(os._exit, 9)
