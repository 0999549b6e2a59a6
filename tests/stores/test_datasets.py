import base64
import codecs
import json
from pathlib import Path

import fsspec
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError
from kedro.validation import DataValidationError

from ceph_pipeline.artifacts import Ledger
from ceph_pipeline.detector.files import list_detectors
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.images.film_files import FilmFiles, list_films
from ceph_pipeline.stores import (
    AnyFolderDataset,
    CheckpointDataset,
    CSVDataset,
    EnsembleDataset,
    FigureDataset,
    FilmFolderDataset,
    FolderDataset,
    ImageStoreDataset,
    JSONReportDataset,
    RawFolderDataset,
    SpreadsheetTableDataset,
    TableDataset,
    TableOnDemandDataset,
    TextDataset,
)

POINTS = pd.DataFrame({"image_id": ["a"], "reader": ["senior"], "landmark": ["Sella"], "x": [1.5], "y": [np.nan]})


class TestTable:
    def test_a_table_comes_back_as_it_was(self, tmp_path):
        dataset = TableDataset(filepath=str(tmp_path / "deep" / "points.parquet"))
        assert not dataset.exists()
        dataset.save(POINTS)

        assert dataset.exists()
        pd.testing.assert_frame_equal(dataset.load(), POINTS)
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["points.parquet"]

    def test_a_copy_for_spreadsheet_programs(self, tmp_path):
        dataset = SpreadsheetTableDataset(filepath=str(tmp_path / "points.parquet"))
        dataset.save(POINTS.assign(image_id="Müller", x=1 / 3))

        assert dataset.load()["image_id"].tolist() == ["Müller"]
        written = (tmp_path / "points.csv").read_bytes()
        assert written.startswith(codecs.BOM_UTF8)
        assert written.decode("utf-8-sig").splitlines() == ["image_id,reader,landmark,x,y", "Müller,senior,Sella,0.333333,"]

    def test_a_table_not_made_yet_says_what_to_do(self, tmp_path):
        with pytest.raises(DatasetError, match=r"points\.parquet does not exist: first run the pipeline that creates it"):
            TableDataset(filepath=str(tmp_path / "points.parquet")).load()

    def test_another_entry_s_table_is_read_with_the_keys_of_its_catalog_entry(self, monkeypatch):
        given = {}
        monkeypatch.setattr(
            fsspec.core, "url_to_fs", lambda url, **options: given.update(options) or (fsspec.filesystem("memory"), "/nowhere")
        )
        entry = {
            "type": "ceph_pipeline.stores.TableOnDemandDataset",
            "filepath": "memory://bucket/landmarks.parquet",
            "schema": "ceph_pipeline.landmarks.tables.LandmarkTable",
            "credentials": "ours",
        }
        catalog = DataCatalog.from_config({"landmarks": entry}, credentials={"ours": {"key": "k"}})

        with pytest.raises(DatasetError, match="does not exist"):
            catalog.load("landmarks")()
        assert given["key"] == "k"

    def test_another_entry_s_table_is_never_written(self, tmp_path):
        schema = "ceph_pipeline.landmarks.tables.LandmarkTable"
        dataset = TableOnDemandDataset(filepath=str(tmp_path / "landmarks.parquet"), schema=schema)
        with pytest.raises(DatasetError, match="the table of another entry"):
            dataset.save(POINTS)

    def test_the_preview_shows_the_first_rows(self, tmp_path):
        dataset = TableDataset(filepath=str(tmp_path / "points.parquet"))
        dataset.save(pd.concat([POINTS] * 30))

        preview = dataset.preview(nrows=5)
        assert len(preview["data"]) == 5
        assert preview["columns"] == list(POINTS.columns)

    def test_the_catalog_s_validator_refuses_a_broken_table(self, tmp_path):
        entry = {
            "type": "ceph_pipeline.stores.TableDataset",
            "filepath": str(tmp_path / "points.parquet"),
            "validator": "ceph_pipeline.landmarks.tables.LandmarkTable",
        }
        catalog = DataCatalog.from_config({"landmarks": entry})

        with pytest.raises(DataValidationError, match="x and y are missing together"):
            catalog.save("landmarks", POINTS)
        assert not (tmp_path / "points.parquet").exists()


class TestReport:
    def test_what_json_cannot_hold_becomes_null(self, tmp_path):
        dataset = JSONReportDataset(filepath=str(tmp_path / "metrics.json"))
        dataset.save({"stage1": {"mre_mm": float("nan"), "ci": (1.0, np.float64("inf"))}, "n": 3, "ok": True})

        assert dataset.load() == {"stage1": {"mre_mm": None, "ci": [1.0, None]}, "n": 3, "ok": True}
        assert json.loads(dataset.preview())["n"] == 3
        assert dataset.exists()

    def test_a_report_nested_too_deeply_is_damaged(self, tmp_path):
        (tmp_path / "metrics.json").write_text("[" * 100_000)
        with pytest.raises(DatasetError, match=r"metrics\.json: damaged \(maximum recursion depth"):
            JSONReportDataset(filepath=str(tmp_path / "metrics.json")).load()

    def test_a_report_that_is_no_object_is_refused(self, tmp_path):
        (tmp_path / "metrics.json").write_text("[1]")
        with pytest.raises(DatasetError, match="expected a JSON object, found list"):
            JSONReportDataset(filepath=str(tmp_path / "metrics.json")).load()


class TestText:
    def test_a_text_comes_back_with_its_line_ends_and_letters(self, tmp_path):
        dataset = TextDataset(filepath=str(tmp_path / "report.html"))
        dataset.save("S–N ± 3 mm\r\n≤ 2\n")

        assert (tmp_path / "report.html").read_bytes() == "S–N ± 3 mm\r\n≤ 2\n".encode()
        assert dataset.load() == "S–N ± 3 mm\r\n≤ 2\n"

    def test_a_csv_table_has_no_index(self, tmp_path):
        dataset = CSVDataset(filepath=str(tmp_path / "networks.csv"))
        dataset.save(POINTS.set_index(pd.Index(["row"])))

        assert (tmp_path / "networks.csv").read_text() == "image_id,reader,landmark,x,y\na,senior,Sella,1.5,\n"
        pd.testing.assert_frame_equal(dataset.load(), POINTS)

    @pytest.mark.parametrize(("dataset", "content"), [(TextDataset, "former"), (CSVDataset, POINTS)], ids=["text", "csv"])
    def test_an_interrupted_save_keeps_the_former_file(self, tmp_path, monkeypatch, dataset, content):
        stored = dataset(filepath=str(tmp_path / "report"))
        stored.save(content)
        former = (tmp_path / "report").read_bytes()

        def interrupted(path, *args, **kwargs):
            path.open("wb").write(b"half")
            raise KeyboardInterrupt

        monkeypatch.setattr(Path, "write_bytes", interrupted)
        monkeypatch.setattr(pd.DataFrame, "to_csv", lambda frame, path, **options: interrupted(path))
        with pytest.raises(KeyboardInterrupt):
            stored.save(content)
        assert (tmp_path / "report").read_bytes() == former
        assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_every_file_of_the_catalog_is_written_whole():
    conf = Path(__file__).parents[2] / "conf" / "base"
    in_place = [path.name for path in conf.glob("catalog*.yml") if "type: kedro_datasets" in path.read_text()]
    assert in_place == []


class TestFigure:
    def test_a_figure_is_a_png_that_kedro_viz_can_show(self, tmp_path):
        dataset = FigureDataset(filepath=str(tmp_path / "sdr.png"), dpi=40)
        assert not dataset.exists()
        figure, axes = plt.subplots()
        axes.plot([0, 1])
        dataset.save(figure)
        plt.close(figure)

        assert dataset.exists()
        assert base64.b64decode(dataset.preview()).startswith(b"\x89PNG")

    def test_a_picture_does_not_become_a_figure_again(self, tmp_path):
        with pytest.raises(DatasetError, match="is a picture"):
            FigureDataset(filepath=str(tmp_path / "sdr.png")).load()


class TestFilesThatCannotBeHad:
    """Whatever is wrong with a file of the catalog ends in one message that names it and the way out."""

    DATASETS = (
        (TableDataset, "points.parquet", POINTS, "Parquet"),
        (JSONReportDataset, "metrics.json", {"n": 1}, "Expecting"),
    )

    @pytest.fixture(params=DATASETS, ids=["table", "report"])
    def case(self, request):
        return request.param

    @pytest.fixture
    def bucket(self):
        yield "memory://bucket/03_primary"
        fsspec.filesystem("memory").store.clear()

    def test_one_that_is_not_made_yet(self, case, tmp_path):
        dataset, name, _, _ = case
        with pytest.raises(DatasetError, match=rf"^{tmp_path}/{name} does not exist: first run the pipeline that creates it\.$"):
            dataset(filepath=str(tmp_path / name)).load()

    @pytest.mark.parametrize("content", [b"", b"{ half"])
    def test_one_that_is_damaged(self, case, tmp_path, content):
        dataset, name, _, reason = case
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DatasetError, match=rf"^{tmp_path}/{name}: damaged \(.*{reason}.*\)\. Delete the file, and run"):
            dataset(filepath=str(tmp_path / name)).load()

    @pytest.mark.parametrize(
        ("error", "reason"),
        [(PermissionError("Forbidden"), "Forbidden"), (RuntimeError("Unable to locate credentials"), "Unable to locate")],
        ids=["refused keys", "no keys"],
    )
    def test_object_storage_that_does_not_let_us_in_names_the_credentials(self, case, bucket, monkeypatch, error, reason):
        dataset, name, content, _ = case

        def refuse(*args, **kwargs):
            raise error

        stored = dataset(filepath=f"{bucket}/{name}")
        stored.save(content)
        for method in ("_open", "put_file"):
            monkeypatch.setattr(type(fsspec.filesystem("memory")), method, refuse)
        keys = r"AWS_ACCESS_KEY_ID.*conf/local/credentials\.yml, under the name in its `credentials:`\.$"
        where = rf"^{bucket}/{name} cannot be %s \(.*{reason}.*{keys}"
        with pytest.raises(DatasetError, match=where % "read"):
            stored.load()
        with pytest.raises(DatasetError, match=where % "written"):
            stored.save(content)

    def test_a_folder_that_may_not_be_written_to(self, case, tmp_path):
        dataset, name, content, _ = case
        (tmp_path / "file").write_text("")
        with pytest.raises(DatasetError, match=rf"file/{name} cannot be written \(.*Set data_root in globals\.yml"):
            dataset(filepath=str(tmp_path / "file" / name)).save(content)

    def test_a_table_without_rows_is_a_table(self, tmp_path):
        dataset = TableDataset(filepath=str(tmp_path / "points.parquet"))
        dataset.save(POINTS.iloc[:0])
        assert list(dataset.load().columns) == list(POINTS.columns)
        assert dataset.preview()["data"] == []


class TestHandles:
    def test_an_image_store_is_its_handle(self, tmp_path):
        store = ImageStoreDataset(filepath=str(tmp_path), format="npy").load()
        assert isinstance(store, ImageStore)
        assert store.format == "npy"

    def test_pixels_do_not_pass_through_the_catalog(self, tmp_path):
        with pytest.raises(DatasetError, match="return the manifest table instead"):
            ImageStoreDataset(filepath=str(tmp_path)).save(np.zeros((2, 2)))

    def test_a_folder_is_where_a_node_works_not_what_it_returns(self, tmp_path):
        dataset = FolderDataset(filepath=str(tmp_path / "stage1"))
        assert dataset.load() == tmp_path / "stage1"
        with pytest.raises(DatasetError, match="return a table or a checkpoint"):
            dataset.save(tmp_path)

    def test_a_raw_folder_knows_its_format(self, tmp_path):
        dataset = RawFolderDataset(filepath=str(tmp_path), format="aariz")
        dataset.save(RawFolder(tmp_path, "aariz"))
        assert dataset.load() == RawFolder(tmp_path, "aariz")
        assert dataset.exists()
        apart = RawFolderDataset(filepath=str(tmp_path), format="coco", images={"path": str(tmp_path / "films")})
        assert apart.load().films == tmp_path / "films"

    @pytest.mark.parametrize("wrong", ["folder", "format", "absent"])
    def test_a_raw_folder_refuses_what_the_catalog_does_not_name(self, tmp_path, wrong):
        named = tmp_path / "absent" if wrong == "absent" else tmp_path
        written = RawFolder(tmp_path / "x" if wrong == "folder" else named, "isbi2015" if wrong == "format" else "aariz")
        with pytest.raises(DatasetError, match="the catalog expects"):
            RawFolderDataset(filepath=str(named), format="aariz").save(written)

    def test_a_checkpoint_is_a_file_that_the_training_has_written(self, tmp_path):
        path = tmp_path / "best.ckpt"
        dataset = CheckpointDataset(filepath=str(path))
        with pytest.raises(DatasetError, match="first train the network"):
            dataset.load()
        with pytest.raises(DatasetError, match="the catalog expects"):
            dataset.save(path)
        assert not dataset.exists()

        path.write_bytes(b"weights")
        dataset.save(path)
        assert dataset.load() == path

    def test_an_ensemble_is_a_folder_of_detectors_that_the_training_has_filled(self, tmp_path):
        dataset = EnsembleDataset(filepath=str(tmp_path))
        with pytest.raises(DatasetError, match="kedro run --pipelines ensemble"):
            dataset.load()
        with pytest.raises(DatasetError, match="the catalog expects"):
            dataset.save(tmp_path)
        (tmp_path / "1" / "stage1").mkdir(parents=True)
        (tmp_path / "1" / "stage1" / "best.ckpt").write_bytes(b"weights")
        assert not dataset.exists(), "others are still to be trained"

        list_detectors(tmp_path, [1])
        dataset.save(tmp_path)
        assert dataset.exists()
        assert dataset.load() == tmp_path

    def test_a_checkpoint_beside_an_unfinished_training_is_said_to_be_of_an_earlier_one(self, tmp_path, caplog):
        path = tmp_path / "best.ckpt"
        path.write_bytes(b"weights")
        ledger = Ledger(tmp_path)
        ledger.begin("other inputs", {})
        assert CheckpointDataset(filepath=str(path)).load() == path
        assert "the newer training in this folder has not finished" in caplog.text
        ledger.finish()
        caplog.clear()
        CheckpointDataset(filepath=str(path)).load()
        assert not caplog.text


@pytest.mark.parametrize(
    "make",
    [
        lambda url: CheckpointDataset(filepath=url),
        lambda url: EnsembleDataset(filepath=url),
        lambda url: FolderDataset(filepath=url),
        lambda url: RawFolderDataset(filepath=url, format="aariz"),
    ],
    ids=["checkpoint", "ensemble", "folder", "raw folder"],
)
def test_what_needs_a_disk_refuses_object_storage(make):
    with pytest.raises(DatasetError, match=r"s3://bucket/06_models: .* must be on a disk"):
        make("s3://bucket/06_models").load()


@pytest.mark.parametrize(
    "dataset",
    [
        CheckpointDataset(filepath="x/best.ckpt"),
        EnsembleDataset(filepath="x"),
        FigureDataset(filepath="x/sdr.png"),
        FolderDataset(filepath="x"),
        ImageStoreDataset(filepath="x"),
        JSONReportDataset(filepath="x/metrics.json"),
        RawFolderDataset(filepath="x", format="aariz"),
        TableDataset(filepath="x/points.parquet"),
        TextDataset(filepath="x/report.html"),
    ],
    ids=lambda dataset: type(dataset).__name__,
)
def test_every_dataset_says_where_it_points(dataset):
    assert "filepath='x" in str(dataset) or "filepath=x" in str(dataset)


class TestFilmFolder:
    @pytest.fixture
    def bucket(self):
        store = fsspec.filesystem("memory")
        store.pipe({"/hospital/anna/ceph.png": b"1", "/hospital/ben.png": b"2", "/hospital/.hidden.png": b"3"})
        yield store
        store.store.clear()

    def films(self, folder):
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}

    def test_a_folder_of_this_machine_is_itself(self, tmp_path):
        assert (
            FilmFolderDataset(filepath=str(tmp_path / "films"), copy={"path": str(tmp_path / "copy")}).load()
            == tmp_path / "films"
        )
        assert not list(tmp_path.iterdir())

    def test_films_at_a_url_are_copied_and_only_what_has_changed_again(self, tmp_path, bucket):
        def load():
            return FilmFolderDataset(filepath="memory://hospital", copy={"path": str(tmp_path)}).load()

        assert self.films(load()) == {"anna/ceph.png": b"1", "ben.png": b"2"}
        kept = (tmp_path / "ben.png").stat().st_mtime_ns
        bucket.pipe("/hospital/anna/ceph.png", b"other")
        bucket.pipe("/hospital/new.png", b"4")
        assert self.films(load()) == {"anna/ceph.png": b"other", "ben.png": b"2", "new.png": b"4"}
        assert (tmp_path / "ben.png").stat().st_mtime_ns == kept
        bucket.rm("/hospital/ben.png")
        assert set(self.films(load())) == {"anna/ceph.png", "new.png"}

    def test_a_film_that_cannot_be_copied_is_named_with_the_reason(self, tmp_path, bucket, monkeypatch):
        def load():
            return FilmFolderDataset(filepath="memory://hospital", copy={"path": str(tmp_path)}).load()

        read = type(bucket).cat_file

        def refused(store, path, *args, **kwargs):
            if path.endswith("ben.png"):
                raise PermissionError(path)
            return read(store, path, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(type(bucket), "cat_file", refused)
            found = list_films(load())
        assert found.films == ("anna/ceph.png",)
        [skipped] = found.skipped
        assert skipped.path == "ben.png"
        assert skipped.reason.startswith("could not be copied: ")
        assert list_films(load()) == FilmFiles(("anna/ceph.png", "ben.png"), (), 1)

    def test_a_copy_that_was_lost_is_fetched_again(self, tmp_path, bucket):
        FilmFolderDataset(filepath="memory://hospital", copy={"path": str(tmp_path)}).load()
        (tmp_path / "ben.png").unlink()
        assert "ben.png" in self.films(FilmFolderDataset(filepath="memory://hospital", copy={"path": str(tmp_path)}).load())

    def test_a_folder_of_other_files_is_left_alone(self, tmp_path, bucket):
        (tmp_path / "thesis.docx").touch()
        with pytest.raises(DatasetError, match="contains files, but no manifest of copied films"):
            FilmFolderDataset(filepath="memory://hospital", copy={"path": str(tmp_path)}).load()
        assert (tmp_path / "thesis.docx").exists()

    def test_an_empty_bucket_says_so(self, tmp_path):
        with pytest.raises(DatasetError, match=r"memory://nowhere.*no such folder"):
            FilmFolderDataset(filepath="memory://nowhere", copy={"path": str(tmp_path)}).load()

    def test_films_are_never_written(self, tmp_path):
        with pytest.raises(DatasetError, match="is read-only"):
            FilmFolderDataset(filepath=str(tmp_path), copy={"path": str(tmp_path)}).save(tmp_path)


def test_any_folder_is_a_handle_with_its_keys_and_is_written_through_it(tmp_path):
    dataset = AnyFolderDataset(filepath="memory://archive", credentials={"key": "k"})
    assert (dataset.load().url, dataset.load().options) == ("memory://archive", {"key": "k"})
    assert AnyFolderDataset(filepath=str(tmp_path)).load().path == tmp_path
    with pytest.raises(DatasetError, match="written through its handle"):
        dataset.save(tmp_path)
