"""A run that lacks a link of its chain is refused before its first node."""

from pathlib import Path

import pandas as pd
import pytest
from kedro.framework.project import pipelines
from kedro.io import DataCatalog

from ceph_pipeline.hooks import MissingInputError, MissingInputsHook
from ceph_pipeline.hooks.missing_inputs import missing_inputs
from ceph_pipeline.stores import TableDataset


def chosen(*names):
    return sum((pipelines[name] for name in names[1:]), pipelines[names[0]])


@pytest.fixture
def catalog(tmp_path: Path):
    """The tables between the pipelines, of which those that ingestion and the audit make are there."""
    made = {name for pipeline in pipelines.values() for name in pipeline.all_outputs()}
    there = chosen("ingestion", "audit").all_outputs()
    for name in there:
        TableDataset(filepath=str(tmp_path / f"{name}.parquet")).save(pd.DataFrame({"image_id": ["a"]}))
    return DataCatalog({name: TableDataset(filepath=str(tmp_path / f"{name}.parquet")) for name in made})


def test_a_pipeline_left_out_of_the_middle_is_named(catalog):
    with pytest.raises(MissingInputError, match=r"run.*\n  crops \(.+crops\.parquet\), made by the pipeline crops\n"):
        MissingInputsHook().before_pipeline_run({}, chosen("augmentation", "stage1", "stage2"), catalog)


@pytest.mark.parametrize("names", [("augmentation", "stage1", "crops", "stage2"), ("__default__",), ("demo",)])
def test_what_the_run_makes_or_an_earlier_one_has_made_is_not_missed(catalog, names):
    MissingInputsHook().before_pipeline_run({}, chosen(*names), catalog)


def test_a_part_of_a_pipeline_needs_what_its_other_nodes_made(catalog):
    part = pipelines["audit"].from_nodes("audit.present_findings")
    assert list(missing_inputs(part, catalog)) == []
    file = Path(catalog["findings"]._describe()["filepath"])
    file.unlink()
    assert list(missing_inputs(part, catalog)) == [f"findings ({file}), made by the pipeline audit"]


def test_where_kedro_chooses_the_nodes_by_their_outputs_nothing_is_refused(catalog):
    """The input of a node that is left out, since its output is there, is not needed."""
    MissingInputsHook().before_pipeline_run({"only_missing_outputs": True}, chosen("stage2"), catalog)
