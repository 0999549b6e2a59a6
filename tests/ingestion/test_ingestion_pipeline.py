"""The pipeline from raw files to tables, in Kedro."""

import json
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from pydantic import ValidationError

from ceph_pipeline.artifacts import pseudonym
from ceph_pipeline.formats import AnnotationError, ReadOptions
from ceph_pipeline.images import RawFolder
from ceph_pipeline.ingestion import IngestionParams
from ceph_pipeline.landmarks.tables import CacheTable, CvmTable, ImageTable, LandmarkTable, MeasurementTable, QuarantineTable
from ceph_pipeline.pipelines.ingestion import create_pipeline
from ceph_pipeline.pipelines.ingestion.nodes import _print_quarantine, build_cache, read_cephalograms
from ceph_pipeline.stores import TableDataset

TABLES = {
    "images": ImageTable,
    "landmarks": LandmarkTable,
    "cvm": CvmTable,
    "measurements": MeasurementTable,
    "quarantine": QuarantineTable,
    "source_cache_index": CacheTable,
}


@pytest.fixture
def run(raw, store, tmp_path):
    def ingest(**params: Any) -> dict[str, pd.DataFrame]:
        usual = {"splits": {"valid_fraction": 0.25}, "cache_long_side_px": 60, "n_jobs": 1}
        settings = IngestionParams.model_validate(usual | params)
        tables = {name: TableDataset(filepath=str(tmp_path / f"{name}.parquet")) for name in TABLES}
        inputs = {
            "raw_cephalograms": MemoryDataset(raw, copy_mode="assign"),
            "source_cache": MemoryDataset(store, copy_mode="assign"),
            "params:ingestion": MemoryDataset(settings),
        }
        SequentialRunner().run(create_pipeline(), DataCatalog(tables | inputs))
        return {name: dataset.load() for name, dataset in tables.items()}

    return ingest


def test_all_tables_fit_their_schemas(run):
    tables = run()
    for name, schema in TABLES.items():
        schema.validate(tables[name])
    assert dict(tables["images"]["split"].value_counts()) == {"train": 3, "valid": 1, "test": 1}
    assert set(tables["landmarks"]["reader"]) == {"senior", "junior", "consensus"}
    assert tables["quarantine"].empty


def test_a_cut_off_image_stops_the_run_with_its_name(run, raw):
    path = raw.root / "TrainingData/002.png"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(AnnotationError, match=r"TrainingData/002\.png: pixels: found an undecodable file"):
        run()


def test_a_cut_off_image_is_quarantined_on_request(run, raw, caplog):
    path = raw.root / "TrainingData/002.png"
    path.write_bytes(path.read_bytes()[:-20])
    tables = run(on_bad_item="quarantine")
    assert list(tables["quarantine"]["item"]) == ["002"]
    assert "002" not in set(tables["source_cache_index"]["image_id"])
    assert "002" not in set(tables["measurements"]["image_id"])
    assert "TrainingData/002.png" in tables["quarantine"]["reason"].item()
    assert f"{pseudonym('002')}: image quarantined" in caplog.text


def test_a_bad_text_file_stops_the_run(run, raw):
    (raw.root / "AnnotationsByMD/400_senior/003.txt").write_text("1,2\n")
    with pytest.raises(AnnotationError, match=r"003\.txt: lines: found 1 points"):
        run()


def test_a_long_quarantine_is_printed_in_part_and_kept_whole(run, raw, caplog):
    points = [
        f"003/{symbol}" for symbol in ("S", "N", "Or", "Po", "A", "B", "Pog", "Me", "Gn", "Go", "LIT", "UIT", "Ls", "Li", "Sn")
    ]
    tables = run(exclude=[*points, *(f"004/{item.partition('/')[2]}" for item in points[:7])])
    assert len(tables["quarantine"]) == 22
    assert "… and 2 more in the quarantine table" in caplog.text
    fma = tables["measurements"].query("image_id == '003' and measurement == 'FMA'")["value"]
    assert np.isnan(fma).all()


def test_unknown_labels_are_one_warning_and_notes_one_line(tmp_path, caplog):
    for name in ("anna", "bea"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((40, 50), np.uint8))
        shapes = [
            {"label": label, "points": [[3 * x, x]], "shape_type": "point"} for x, label in enumerate(("SELLA", "Nasoin"), 2)
        ]
        (tmp_path / f"{name}.json").write_text(json.dumps({"imagePath": f"{name}.png", "shapes": shapes[: 1 + (name == "bea")]}))
    raw = RawFolder(tmp_path, "labelme")
    tables = read_cephalograms(raw, IngestionParams())
    _print_quarantine(tables[3])
    messages = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(messages) == 2
    assert "films of 2: 'Nasoin' on 1 (nearest: Nasion)" in messages[0]
    assert messages[1] == "notes without loss of data: 2; see the rows `kept` of the quarantine table"


@pytest.mark.parametrize(
    "wrong",
    [
        {"on_bad_item": "ignore"},
        {"consensus": "median"},
        {"splits": {"valid_fraction": 1.0}},
        {"splits": {"test_fraction": -0.1}},
        {"splits": {"patient_pattern": "(a"}},
        {"splits": {"patient_pattern": "no group"}},
        {"pixel_size": {"order": ["sheet", "sheet"]}},
        {"pixel_size": {"order": ["guess"]}},
        {"pixel_size": {"number_mm": 0}},
        {"n_jobs": 0},
        {"cache_long_side_px": 8},
        {"backend": "spark"},
        {"valid_fracton": 0.1},
    ],
)
def test_parameters_out_of_range_or_misspelt_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        IngestionParams.model_validate(wrong)


class TestFilmsThatLieElsewhere:
    @pytest.fixture
    def apart(self, tmp_path):
        """An export of two films, and the films in a folder of their own."""
        points = [("p1", 75, 10), ("p2", 75, 40)]
        results = [
            {
                "type": "keypointlabels",
                "original_width": 80,
                "original_height": 100,
                "value": {"x": x, "y": y, "keypointlabels": [label]},
            }
            for label, x, y in points
        ]
        tasks = [{"data": {"image": f"{name}.png"}, "annotations": [{"completed_by": 1, "result": results}]} for name in "ab"]
        (tmp_path / "export").mkdir()
        (tmp_path / "export/export.json").write_text(json.dumps(tasks))
        (tmp_path / "films/deep").mkdir(parents=True)
        for name in "ab":
            cv2.imwrite(str(tmp_path / f"films/deep/{name}.png"), np.arange(8000, dtype=np.uint8).reshape(100, 80))
        return tmp_path

    PARAMS = IngestionParams(on_bad_item="quarantine", n_jobs=1)

    def test_are_read_from_there(self, apart, store):
        raw = RawFolder(apart / "export/export.json", "label_studio", apart / "films")
        images, *_ = read_cephalograms(raw, self.PARAMS)
        assert images["path"].tolist() == ["deep/a.png", "deep/b.png"]
        assert len(build_cache(images, raw, store, self.PARAMS)[0]) == 2

    def test_are_missed_with_the_way_out(self, apart, store):
        raw = RawFolder(apart / "export", "label_studio")
        images, *_ = read_cephalograms(raw, self.PARAMS)
        with pytest.raises(AnnotationError, match=r"none of the 2 images can be read.*a\.png.*raw_images=FOLDER"):
            build_cache(images, raw, store, self.PARAMS)

    def test_in_a_folder_that_there_is_not_are_refused(self, apart):
        with pytest.raises(AnnotationError, match=r"nowhere: no such folder of images"):
            read_cephalograms(RawFolder(apart / "export", "label_studio", apart / "nowhere"), self.PARAMS)
        (apart / "films.zip").touch()
        with pytest.raises(AnnotationError, match=r"films\.zip: a file, not a folder of images"):
            read_cephalograms(RawFolder(apart / "export", "label_studio", apart / "films.zip"), self.PARAMS)

    def test_a_data_set_of_which_nothing_is_left_says_why(self, apart):
        params = self.PARAMS.model_copy(update={"reading": ReadOptions(landmarks=["S"], only_landmarks=True)})
        with pytest.raises(AnnotationError, match=r"no usable film \(problems: \d+\).*key points of 'p1', 'p2' only"):
            read_cephalograms(RawFolder(apart / "export", "label_studio", apart / "films"), params)
