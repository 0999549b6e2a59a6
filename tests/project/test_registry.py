import inspect
from typing import get_args, get_type_hints

import pytest
from kedro.framework.project import pipelines
from pydantic import BaseModel

NAMES = {
    "phantom", "ingestion", "audit", "augmentation", "stage1", "crops", "stage2", "evaluation", "folds", "ensemble",
    "calibration", "promotion", "ruler", "compare", "archive", "inference", "superimposition", "export", "benchmark",
}  # fmt: skip

VARIANTS = {
    *("evaluation_of_stage1", "inference_with_stage1", "evaluation_of_ensemble", "inference_with_ensemble"),
    *("evaluation_with_folds", "ruler_with_folds"),
    "learning_curve",
}
"""Pipelines that have no folder of their own: without stage 2, with an ensemble or folds, and another comparison."""

LAYERS = ["raw", "intermediate", "primary", "feature", "model_input", "models", "model_output", "reporting"]


def parameter_inputs():
    """(pipeline, node, input, its annotation) of every `params:` input."""
    for name, pipeline in dict(pipelines).items():
        for node in pipeline.nodes:
            hints = get_type_hints(node.func)
            arguments = list(inspect.signature(node.func).parameters)
            named = node._inputs.items() if isinstance(node._inputs, dict) else zip(arguments, node.inputs, strict=False)
            for argument, dataset in named:
                if dataset.startswith("params:") or dataset == "parameters":
                    yield name, node.name, dataset, hints.get(argument)


def models_in(annotation):
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for argument in get_args(annotation):
        yield from models_in(argument)


def test_pipelines_carry_exactly_their_names():
    assert set(pipelines) == NAMES | VARIANTS | {"__default__", "demo", "stage1_alone"}


def test_every_node_is_named_after_what_it_does():
    """Kedro would append a digest of inputs and outputs to the function's name."""
    nodes = [node for pipeline in dict(pipelines).values() for node in pipeline.nodes]
    assert [node.name for node in nodes if node.name.rpartition(".")[2] != node.func.__name__] == []


@pytest.mark.parametrize("name", sorted(NAMES | VARIANTS))
def test_every_pipeline_is_one_box_in_kedro_viz(name):
    assert {node.namespace.partition(".")[0] for node in pipelines[name].nodes} == {name}


def test_the_demo_is_the_main_job_on_phantoms():
    assert pipelines["demo"].nodes == (pipelines["phantom"] + pipelines["__default__"]).nodes


def test_without_stage_2_no_node_waits_for_its_network():
    alone, job = pipelines["stage1_alone"], pipelines["__default__"]
    assert not {name for name in alone.datasets() if name.startswith(("stage2", "crops", "params:stage2", "params:crops"))}
    assert alone.inputs() <= job.inputs()
    assert alone.outputs() == job.outputs()
    assert pipelines["inference_with_stage1"].inputs() == pipelines["inference"].inputs() - {"stage2_checkpoint"}


def test_nobody_waits_for_an_ensemble_who_has_not_asked_for_one():
    together = {"ensemble", "ensemble_predictions", "ensemble_held_out_predictions"}
    assert not together & pipelines["__default__"].datasets()
    assert together <= pipelines["ensemble"].all_outputs()
    assert pipelines["evaluation_of_ensemble"].inputs() == pipelines["evaluation"].inputs() | together
    assert pipelines["inference_with_ensemble"].inputs() == pipelines["inference"].inputs() | {"ensemble"}


def test_nobody_waits_for_folds_who_has_not_asked_for_them():
    folds = {"fold_errors", "fold_predictions"}
    assert not folds & pipelines["__default__"].datasets()
    assert pipelines["evaluation_with_folds"].inputs() == pipelines["evaluation"].inputs() | folds
    assert pipelines["ruler_with_folds"].inputs() == pipelines["ruler"].inputs() | {"fold_predictions"}
    assert folds <= pipelines["folds"].all_outputs()


def test_the_main_job_hangs_together():
    """Its first node reads raw data and parameters only, and every other node reads something that one before it made."""
    job = pipelines["__default__"]
    made = job.all_outputs()
    lonely = {node.name for node in job.nodes if not made & set(node.inputs)}

    assert lonely <= {node.name for node in pipelines["ingestion"].nodes}


def test_phantoms_come_before_everything_that_reads_raw_data():
    assert "raw_cephalograms" in pipelines["phantom"].all_outputs()
    assert "raw_cephalograms" not in pipelines["demo"].inputs()


def test_every_parameter_is_a_model_that_kedro_checks():
    inputs = list(parameter_inputs())
    untyped = [place for *place, annotation in inputs if not (inspect.isclass(annotation) and issubclass(annotation, BaseModel))]

    assert len(inputs) >= len(NAMES) - 1
    assert untyped == []


def test_no_parameter_model_lets_an_unknown_field_pass():
    models = {model for *_, annotation in parameter_inputs() for model in models_in(annotation)}

    assert [model.__qualname__ for model in models if model.model_config.get("extra") != "forbid"] == []


ENVIRONMENTS = pytest.mark.parametrize("env", [None, "demo", "isbi2015", "ruler"])


@ENVIRONMENTS
def test_what_passes_between_pipelines_is_in_the_catalog(context, env):
    """Only what stays inside one pipeline lives in memory alone."""
    ends = {name for pipeline in dict(pipelines).values() for name in pipeline.inputs() | pipeline.outputs()}
    missing = {name for name in ends if not name.startswith("params:")} - set(context(env).config_loader["catalog"])

    assert missing == set()


@ENVIRONMENTS
def test_every_entry_has_a_layer_in_kedro_viz(context, env):
    catalog = context(env).config_loader["catalog"]
    assert [name for name, entry in catalog.items() if "layer" not in entry.get("metadata", {}).get("kedro-viz", {})] == []


@ENVIRONMENTS
def test_data_never_flows_up_the_layers(context, env):
    """Otherwise kedro-viz cannot draw them."""
    catalog = context(env).config_loader["catalog"]
    level = {name: LAYERS.index(entry["metadata"]["kedro-viz"]["layer"]) for name, entry in catalog.items()}
    upward = [
        (node.name, source, target)
        for node in {node for pipeline in dict(pipelines).values() for node in pipeline.nodes}
        for source in set(node.inputs) & set(level)
        for target in set(node.outputs) & set(level)
        if level[source] > level[target]
    ]

    assert upward == []


@ENVIRONMENTS
def test_a_closed_box_takes_nothing_from_below_what_it_makes(context, env):
    """Nor can kedro-viz draw the layers then: it shows none at all."""
    catalog = context(env).config_loader["catalog"]
    level = {name: LAYERS.index(entry["metadata"]["kedro-viz"]["layer"]) for name, entry in catalog.items()}
    upward = [
        (name, source, target)
        for name, pipeline in dict(pipelines).items()
        for box in {node.namespace for node in pipeline.nodes if node.namespace}
        for closed in [pipeline.filter(node_namespaces=[box])]
        for source in closed.inputs() & set(level)
        for target in closed.outputs() & set(level)
        if level[source] > level[target]
    ]

    assert upward == []


@ENVIRONMENTS
def test_the_tables_that_pipelines_hand_on_have_schemas(context, env):
    catalog = context(env).config_loader["catalog"]
    tables = {
        "images",
        "landmarks",
        "cvm",
        "measurements",
        "quarantine",
        "findings",
        "exclusions",
        "included_images",
        "crops",
        "predictions",
        "errors",
    }
    tables |= {f"augmented_{name}" for name in ("images", "landmarks", "cvm", "measurements", "cache_index")}

    assert [name for name in sorted(tables) if "validator" not in catalog[name]] == []


@ENVIRONMENTS
def test_no_entry_names_a_dataset_that_no_pipeline_has(context, env):
    used = {name for pipeline in dict(pipelines).values() for name in pipeline.datasets()}
    assert set(context(env).config_loader["catalog"]) - used == set()


def test_environments_never_meet_each_other_s_artefacts(context):
    roots = {env: context(env).config_loader["globals"]["data_root"] for env in (None, "demo", "isbi2015", "ruler")}
    assert roots == {None: "data", "demo": "data/demo", "isbi2015": "data/isbi2015", "ruler": "data/ruler"}
