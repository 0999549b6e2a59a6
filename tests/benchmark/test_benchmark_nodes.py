"""Nodes of the benchmark: tables, a report and a figure."""

import io
import logging

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.benchmark import (
    BenchmarkParams,
    DetectorCase,
    FullStepCase,
    NetCase,
    figure,
    isolation,
    runs,
)
from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.pipelines.benchmark import create_pipeline
from ceph_pipeline.pipelines.benchmark.nodes import (
    report_benchmark,
    time_detectors,
    time_full_steps,
    time_networks,
)
from ceph_pipeline.training.params import OptimParams, Stage1Params, Stage2Params

CASE = NetCase(backbone="resnet18", width_px=64, height_px=64, batch_sizes=(2,))
PAIR = DetectorCase(stage1_backbone="resnet18", width_px=64, height_px=64, stage2_backbone="resnet18", crop_px=32, images=1)
PARAMS = BenchmarkParams(
    num_iterations=3,
    num_warmup=1,
    device="cpu",
    n_landmarks=2,
    images_per_epoch=100,
    configurations=("float32", "amp"),
    cases=(CASE,),
    full_steps=(FullStepCase(backbone="resnet18", width_px=64, height_px=64, batch_size=2, workers=0, cache_long_side_px=64),),
    detectors=(PAIR,),
)


@pytest.fixture(scope="module")
def in_this_process():
    with pytest.MonkeyPatch.context() as patch:
        for module in (runs, isolation):
            patch.setattr(module, "in_own_process", lambda function, *args: function(*args))
        yield


@pytest.fixture(scope="module")
def networks(in_this_process) -> pd.DataFrame:
    return time_networks(PARAMS, Stage1Params(optim=OptimParams(epochs=7)), Stage2Params())


def test_time_of_the_configured_number_of_epochs_is_projected(networks):
    training = networks[networks["step"] == "training"]
    assert training["epoch_s"].to_numpy() == pytest.approx(100 / training["images_per_s"].to_numpy())
    assert training["training_h"].to_numpy() == pytest.approx(7 * training["epoch_s"].to_numpy() / 3600)


def test_full_step_is_timed_unless_only_inference_is(in_this_process, caplog):
    with caplog.at_level(logging.INFO):
        table = time_full_steps(PARAMS, Stage1Params())
    assert len(table) == 1
    assert "of a bare loop" in caplog.text
    nothing = time_full_steps(PARAMS.model_copy(update={"mode": "inference"}), Stage1Params())
    assert nothing.empty
    assert pd.read_csv(io.StringIO(nothing.to_csv(index=False))).empty, "a file that the report can read"


def test_cases_for_gpus_are_left_out_on_a_cpu_and_named(in_this_process, caplog):
    large = FullStepCase(backbone="hrnet_w48", gpu_only=True)
    pairs = (PAIR, DetectorCase(gpu_only=True))
    params = PARAMS.model_copy(update={"full_steps": (large,), "cases": (CASE, NetCase(gpu_only=True)), "detectors": pairs})
    assert params.without_gpu().cases == (CASE,)
    assert params.without_gpu().detectors == (PAIR,)
    with caplog.at_level(logging.WARNING):
        assert time_full_steps(params, Stage1Params()).empty
    assert "no GPU: hrnet_w32, hrnet_w48 skipped" in caplog.text


def test_cases_for_gpus_alone_are_refused_on_a_cpu(in_this_process):
    params = PARAMS.model_copy(update={"cases": (NetCase(gpu_only=True),)})
    with pytest.raises(InvalidValueError, match=r"benchmark\.cases: all cases are gpu_only, but this machine has no GPU"):
        time_networks(params, Stage1Params(), Stage2Params())


def test_report_holds_every_table_and_what_it_depends_on(networks):
    report, drawn = report_benchmark(PARAMS, networks, pd.DataFrame(), pd.DataFrame())
    assert set(report) == {"environment", "results", "full_steps", "detectors"}
    assert len(report["results"]) == 8
    assert report["environment"]["device"] == "cpu"
    assert [axes.get_title() for axes in drawn.axes] == ["training", "training", "inference", "inference"]


def test_detectors_are_timed_unless_only_training_is(in_this_process, caplog):
    with caplog.at_level(logging.INFO):
        table = time_detectors(PARAMS)
    assert table["stage2_backbone"].tolist() == ["resnet18"]
    assert "from films to points" in caplog.text
    assert time_detectors(PARAMS.model_copy(update={"mode": "training"})).empty


def test_bar_that_could_not_be_measured_says_why(networks):
    lost = networks["configuration"] == "amp"
    table = networks.assign(images_per_s=networks["images_per_s"].where(~lost), status=np.where(lost, "out of memory", "ok"))
    texts = [text.get_text() for text in figure.benchmark_figure(table).axes[0].texts]
    assert texts[1] == " out of memory"
    assert float(texts[0]) > 0


def test_cases_that_differ_only_in_stride_have_bars_of_their_own(networks):
    finer = networks.assign(stride=2, images_per_s=1.5)
    axes = figure.benchmark_figure(pd.concat([networks, finer], ignore_index=True)).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"resnet18, stage1\n64 × 64, stride {stride}, batch 2" for stride in (4, 2)]
    assert [bar.get_width() for bar in axes.containers[0]][1] == 1.5


def test_figure_of_one_mode_has_its_panels_alone(networks):
    drawn = figure.benchmark_figure(networks[networks["step"].isin(["forward", "inference"])])
    assert [axes.get_title() for axes in drawn.axes] == ["inference", "inference"]


def test_each_measurement_is_a_node_that_can_be_run_alone():
    nodes = {node.name: node for node in create_pipeline().nodes}
    timed = {"networks", "full_steps", "detectors"}
    assert set(nodes) == {"report_benchmark", *(f"time_{name}" for name in timed)}
    assert all(given.startswith("params:") for name in timed for given in nodes[f"time_{name}"].inputs)
