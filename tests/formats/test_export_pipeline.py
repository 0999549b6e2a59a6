"""The pipeline that writes the project's tables in other formats."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.runner import SequentialRunner

from ceph_pipeline import formats
from ceph_pipeline.formats import WRITERS, AnnotationError, ExportParams
from ceph_pipeline.formats.writers.params import WrittenFormat
from ceph_pipeline.images import RawFolder
from ceph_pipeline.ingestion import with_consensus
from ceph_pipeline.phantom.data_set import draw_data_set
from ceph_pipeline.phantom.params import PhantomParams
from ceph_pipeline.pipelines.export import create_pipeline
from ceph_pipeline.stores import TableDataset, TableOnDemandDataset

READERS = ("senior", "junior")


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms")
    draw_data_set(folder / "aariz", folder / "ruler.json", PhantomParams(n_images=4, long_side_px=256, n_jobs=1))
    return folder / "aariz"


@pytest.fixture
def run(phantoms, tmp_path):
    found = formats.read(phantoms, "aariz")
    landmarks = TableDataset(filepath=str(tmp_path / "landmarks.parquet"))
    landmarks.save(with_consensus(found.landmarks))

    def export(**params: Any) -> pd.DataFrame:
        data = {
            "images": found.images,
            "cvm": found.cvm,
            "landmarks_on_demand": TableOnDemandDataset(
                filepath=str(tmp_path / "landmarks.parquet"), schema="ceph_pipeline.landmarks.tables.LandmarkTable"
            ),
            "predictions_on_demand": TableOnDemandDataset(
                filepath=str(tmp_path / "predictions.parquet"), schema="ceph_pipeline.landmarks.tables.PredictionTable"
            ),
            "raw_cephalograms": RawFolder(phantoms, "aariz"),
            "export_folder": tmp_path / "export",
            "params:export": ExportParams.model_validate(params),
            "exported": MemoryDataset(),
        }
        entries = {
            name: value if hasattr(value, "load") else MemoryDataset(value, copy_mode="assign") for name, value in data.items()
        }
        return SequentialRunner().run(create_pipeline(), DataCatalog(entries))["exported"].load()

    return export


def sorted_points(landmarks: pd.DataFrame) -> pd.DataFrame:
    return landmarks.set_index(["image_id", "reader", "landmark"])[["x", "y"]].sort_index()


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"json"}))
def test_phantoms_in_every_format_are_the_same_tables(run, phantoms, tmp_path, name):
    expected = formats.read(phantoms, "aariz")
    several = WRITERS[name].holds_readers
    written = run(format=name, readers=READERS if several else ("senior",), copy_films=True)
    assert list(written["image_id"]) == list(expected.images["image_id"])
    found = formats.read(tmp_path / "export" / name, name)
    points = sorted_points(found.landmarks)
    if several:
        wanted = sorted_points(expected.landmarks)
    else:
        senior = expected.landmarks.query("reader == 'senior'")
        wanted = sorted_points(senior.assign(reader="annotator"))
    pd.testing.assert_frame_equal(points, wanted, check_exact=False, rtol=0, atol=1e-9)
    columns = ["image_id", "split", "subset", "width", "height"]
    pd.testing.assert_frame_equal(found.images[columns], expected.images[columns])


def test_the_consensus_is_written_where_nobody_is_named(run, tmp_path):
    run(format="table", splits=("test",))
    found = formats.read(tmp_path / "export/table", "table").landmarks
    assert set(found["reader"]) == {"consensus"}
    assert len(found) == 29


def test_predictions_need_an_evaluation(run):
    with pytest.raises(DatasetError, match=r"predictions\.parquet does not exist"):
        run(table="predictions")


def test_a_table_of_another_kind_in_its_place_is_refused(run, tmp_path):
    TableDataset(filepath=str(tmp_path / "landmarks.parquet")).save(pd.DataFrame({"image_id": ["a"], "stage": [3]}))
    with pytest.raises(DatasetError, match=r"landmarks\.parquet: damaged \(column 'reader' not in dataframe.*Delete the file"):
        run(format="coco")


def test_predictions_are_pre_annotations_of_their_stage(run, tmp_path, phantoms):
    image_id = formats.read(phantoms, "aariz").images["image_id"].iloc[0]
    rows = [(image_id, stage, "Sella", 10.0, 20.0, 3.0) for stage in ("stage1", "stage2")]
    columns = ["image_id", "stage", "landmark", "x", "y", "sigma_px"]
    TableDataset(filepath=str(tmp_path / "predictions.parquet")).save(pd.DataFrame(rows, columns=columns))
    run(table="predictions", format="label_studio")
    found = formats.read(tmp_path / "export/label_studio").landmarks
    assert found[["reader", "landmark"]].to_numpy().tolist() == [["stage2", "Sella"]]


def test_an_earlier_export_is_kept(run):
    run(format="coco")
    with pytest.raises(AnnotationError, match="already exists"):
        run(format="coco")
    run(format="coco", overwrite=True)


def test_an_earlier_export_is_kept_where_a_run_was_killed_while_it_replaced_it(run, tmp_path):
    run(format="coco")
    run(format="table")
    for name in ("coco", "table"):
        (tmp_path / "export" / name).rename(tmp_path / "export" / f".{name}.replaced")
    with pytest.raises(AnnotationError, match="already exists"):
        run(format="coco")
    assert sorted(path.name for path in (tmp_path / "export").iterdir()) == [".coco.lock", ".table.lock", "coco", "table"]


def test_parameters_name_the_writers():
    assert set(WrittenFormat.__args__) == set(WRITERS)
