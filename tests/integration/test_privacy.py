"""A name planted wherever a name can stand is found nowhere outside the data root."""

import io
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import film_samples
import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from ceph_pipeline.artifacts import pseudonym, pseudonymised
from ceph_pipeline.configuration import ConfigLoader
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.formats import AnnotationError
from ceph_pipeline.pipelines.evaluation.measurement_nodes import compare_runs

from .conftest import SOURCE

NAME = "Cooper_Jane"
LANDMARKS = ("Sella", "Nasion", "A-point", "B-point")


@pytest.fixture
def project(tmp_path, new_project):
    yield new_project(tmp_path / "project")
    mlflow.set_tracking_uri(None)


FORGED = f"{NAME}\x1b[31m\nERROR: forged.png"
"""A name with a colour and a line of its own."""


@pytest.fixture
def films(tmp_path) -> Path:
    """A table data set of a patient, whose name stands wherever a file can hold one; one film is damaged and one excluded."""
    folder = tmp_path / NAME
    folder.mkdir()
    pixels = [np.random.default_rng(number).integers(0, 255, (120, 100), np.uint8) for number in range(8)]
    names = [f"{NAME}_{number}.png" for number in range(5)] + [f"{NAME} visit/{NAME}.jpg", f"{NAME}.dcm", FORGED]
    text = PngInfo()
    text.add_text("Description", NAME)
    tags = Image.Exif()
    tags[ExifTags.Base.ImageDescription] = tags[ExifTags.Base.Artist] = NAME
    for film, image in zip(names, pixels, strict=True):
        (folder / film).parent.mkdir(exist_ok=True)
        if film.endswith(".dcm"):
            (folder / film).write_bytes(film_samples.dicom(image, PatientName=NAME, PatientID=NAME, PatientComments=NAME))
        else:
            Image.fromarray(image).save(folder / film, **({"pnginfo": text} if film.endswith(".png") else {"exif": tags}))
    points = [{f"{name}_{axis}": 10.0 * place + row for place, name in enumerate(LANDMARKS) for axis in "xy"} for row in range(8)]
    rows = [{"image": film, "patient": NAME, "comment": NAME} | found for film, found in zip(names, points, strict=True)]
    (folder / f"{NAME}_1.png").write_bytes((folder / f"{NAME}_1.png").read_bytes()[:3000])
    pd.DataFrame(rows).to_csv(folder / "points.csv", index=False)
    return folder


def contents(path: Path, content: bytes) -> Iterator[bytes]:
    """A file's bytes, and what is compressed in it."""
    yield str(path).encode()
    yield content
    if path.suffix == ".parquet":
        yield pd.read_parquet(io.BytesIO(content)).to_csv().encode()
    elif path.suffix == ".png":
        yield repr(Image.open(io.BytesIO(content)).info).encode()
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from contents(Path(name), archive.read(name))


def recorded(root: Path) -> bytes:
    """Everything that MLflow has of a project's runs, and what they have logged."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        rows = "\n".join(database.iterdump())
    files = [path for place in ("mlartifacts", "mlruns") for path in root.glob(f"{place}/**/*") if path.is_file()]
    parts = (part for path in files for part in contents(path.relative_to(root), path.read_bytes()))
    return b"\n".join([rows.encode(), (root / "mlflow.db").read_bytes(), *parts])


def test_a_run_on_a_patient_s_folder_names_nobody(project, films, capfd):
    ingestion = {"on_bad_item": "quarantine", "exclude": [f"{NAME}_2"], "splits": {"valid_fraction": 0.3}}
    project.run("ingestion", "audit", raw_folder=str(films), raw_format="table", ingestion=ingestion)

    known = pd.read_parquet(project.data / "03_primary" / "pseudonyms.parquet").set_index("name")["pseudonym"]
    log = project.log.read_text()
    assert known[f"{NAME}_1"] == pseudonym(f"{NAME}_1")
    assert f"{known[f'{NAME}_1']}: image quarantined" in log
    assert pseudonym(f"{NAME}_2").encode() in recorded(project.root)
    assert NAME not in log
    assert NAME not in "".join(capfd.readouterr())
    assert NAME.encode() not in recorded(project.root)


def test_the_secret_of_the_pseudonyms_stays_in_the_data_root(project, films):
    reading = {"on_bad_item": "quarantine", "splits": {"valid_fraction": 0.2}}
    project.run("ingestion", raw_folder=str(films), raw_format="table", ingestion=reading)
    key = project.data / "pseudonym.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_bytes() not in recorded(project.root)


def test_films_of_a_whole_run_are_named_nowhere(finished):
    """Of the phantoms, as of any film: neither identifiers nor paths."""
    images = pd.read_parquet(finished.data / "03_primary" / "images.parquet")
    found = recorded(finished.root) + finished.log.read_bytes()
    assert [name for name in images["image_id"] if name.encode() in found] == []
    assert [path for path in images["path"] if path.encode() in found] == []
    known = pd.read_parquet(finished.data / "03_primary" / "pseudonyms.parquet")["pseudonym"]
    assert any(name.encode() in found for name in known)


def test_new_films_are_named_nowhere(finished, films, capfd):
    length = finished.log.stat().st_size
    (films / f"{NAME}.gif").write_bytes(b"GIF89a")
    sheet = finished.root / f"{NAME}.csv"
    pd.DataFrame({"image": [f"{NAME}_0.png", f"{NAME}_2.png"], "pixel_size_mm": 0.1}).to_csv(sheet, index=False)
    finished.run("inference", inference_folder=str(films), inference={"films": {"sheet": sheet.name}})

    located = pd.read_parquet(finished.data / "07_model_output" / "inference" / "predictions.parquet")["image_id"]
    assert located.nunique() == 7
    finished.run("superimposition", superimposition={"first": f"{NAME}_0", "second": f"{NAME}_2"})
    assert located.str.contains(NAME).all()
    log = finished.log.read_bytes()[length:]
    assert b"is quarantined" in log
    assert NAME.encode() not in log
    assert NAME not in "".join(capfd.readouterr())
    assert NAME.encode() not in recorded(finished.root)


def test_the_message_of_a_failed_node_is_shown_and_not_logged(project, films):
    with pytest.raises(AnnotationError, match=NAME):
        project.run("ingestion", raw_folder=str(films), raw_format="table")

    assert "Node read_cephalograms failed" in project.log.read_text() or "Node build_cache failed" in project.log.read_text()
    assert NAME not in project.log.read_text()


def test_every_table_of_the_catalog_that_mlflow_gets_is_pseudonymous():
    loader = ConfigLoader(conf_source=str(SOURCE / "conf"), base_env="base", default_run_env="demo")
    logged = {name: entry["dataset"]["type"] for name, entry in loader["catalog"].items() if "MlflowArtifact" in entry["type"]}

    assert logged["errors"] == logged["plausibility"] == "ceph_pipeline.stores.PseudonymousTableDataset"
    assert "ceph_pipeline.stores.TableDataset" not in logged.values()


def test_a_logged_table_has_pseudonyms_and_the_next_run_is_compared_by_them(tmp_path, runs_uri):
    ids = [f"{NAME}_{number}" for number in range(12)]
    errors = pd.DataFrame(
        {"image_id": ids, "stage": "stage1", "landmark": "Sella", "has_truth": True, "error_px": 1.0, "error_mm": 1.0}
    )
    errors["error_mm"] += np.arange(12) / 12
    images = pd.DataFrame({"image_id": ids, "split": "test"})
    file = tmp_path / "errors.parquet"
    entry = {
        "type": "kedro_mlflow.io.artifacts.MlflowArtifactDataset",
        "dataset": {"type": "ceph_pipeline.stores.PseudonymousTableDataset", "filepath": str(file)},
        "artifact_path": "evaluation",
    }
    mlflow.set_tracking_uri(runs_uri)
    try:
        mlflow.create_experiment("privacy", artifact_location=str(tmp_path / "mlartifacts"))
        mlflow.set_experiment("privacy")
        with mlflow.start_run() as run:
            DataCatalog.from_config({"errors": entry}).save("errors", errors)
        params = EvaluationParams(compare_with=run.info.run_id)
        result = compare_runs(errors.assign(error_mm=errors["error_mm"] / 2), images, params)
    finally:
        mlflow.set_tracking_uri(None)

    assert pd.read_parquet(file)["image_id"].tolist() == ids
    [sent] = (tmp_path / "mlartifacts").rglob("errors.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(sent), pseudonymised(errors))
    assert NAME.encode() not in recorded(tmp_path)
    assert (result["n_images"], result["n_images_only_now"]) == (12, 0)
