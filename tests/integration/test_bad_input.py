"""Bad input ends in one clear error that names file and field and says what to do, before anything is trained."""

import json
import shutil

import pytest

from ceph_pipeline.formats import AnnotationError


@pytest.fixture
def raw(finished, tmp_path):
    """A copy of the tiny demo's raw data set."""
    return shutil.copytree(finished.data / "01_raw" / "aariz", tmp_path / "films")


@pytest.fixture
def senior(raw):
    """One senior reader's annotation file."""
    return min(raw.glob("train/Annotations/*/Senior*/*.json"))


def refused(project, raw, **params):
    """The main job's error, which has left no model behind."""
    project.set_globals(n_jobs=1)
    with pytest.raises(AnnotationError) as caught:
        project.run("__default__", **({"raw_folder": str(raw)} | params))
    assert not (project.data / "06_models").exists()
    return str(caught.value)


def rewrite(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_missing_folder(empty):
    message = refused(empty, "/nowhere/films")
    assert message.startswith("/nowhere/films: no such file or folder.")
    assert "--params raw_folder=PATH" in message


def test_an_empty_folder(empty, tmp_path):
    (tmp_path / "films").mkdir()
    assert "the folder is empty" in refused(empty, tmp_path / "films")


def test_an_unknown_format(empty, raw):
    assert "unknown format 'dicom'; expected one of aariz" in refused(empty, raw, raw_format="dicom")


def test_an_unknown_split(empty, raw):
    (raw / "train").rename(raw / "holdout")
    assert "unknown split 'holdout', expected train, valid or test" in refused(empty, raw)


def test_an_image_cut_off(empty, raw):
    image = min(raw.glob("train/Cephalograms/*.png"))
    image.write_bytes(image.read_bytes()[:2000])

    message = refused(empty, raw)
    assert image.name in message
    assert "truncated" in message
    assert "ingestion.on_bad_item: quarantine" in message


def test_a_json_without_landmarks(empty, raw, senior):
    rewrite(senior, lambda content: content.update(landmarks=[]))
    message = refused(empty, raw)
    assert f"{senior.name}: landmarks: found none" in message
    assert f"ingestion.exclude: [{senior.stem}]" in message


def test_a_point_outside_its_image(empty, raw, senior):
    rewrite(senior, lambda content: content["landmarks"][0]["value"].update(x=9999))
    message = refused(empty, raw)
    assert f"{senior.name}: landmark 'A': found x = 9999, expected" in message


def test_a_file_that_is_no_json(empty, raw, senior):
    senior.write_text("{")
    assert f"{senior.name}: file: found invalid JSON" in refused(empty, raw)
