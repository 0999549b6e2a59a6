"""Films come onto the page as they come into inference, and bad ones end in words."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click import ClickException
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

import ceph_pipeline
from ceph_pipeline.cli import cli, train_on_phantoms
from ceph_pipeline.detector import LandmarkDetector
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.images import ImageReadError, encode_image
from ceph_pipeline.inference.ruler_models import RulerSizing, with_marks
from ceph_pipeline.page.opening import open_film
from ceph_pipeline.page.settings import OF_PHANTOMS, PageError, learned_from, load_settings, models_folder

from ..detector.conftest import POINTS

PARAMETERS = {"detector": {"device": "cpu"}, "inference": {}, "calibration": {}, "cephalometry": {}, "plausibility": {}}


def test_the_projects_networks_locate_their_landmarks(checkpoints, film_bytes):
    settings = load_settings(checkpoints, PARAMETERS)
    film = open_film(film_bytes, "Müller, Anna.png", settings)
    assert film.size == (900, 1000)
    assert len(film.found) == 19
    pd.testing.assert_frame_equal(film.found, settings.detector.predict({film.image_id: film.pixels}))
    assert sorted(settings.origin.networks) == ["stage1", "stage2"]


def test_the_files_resolution_is_its_pixel_size_where_that_counts(settings):
    ok = encode_image(np.full((400, 300), 7, dtype=np.uint8), ".bmp")
    content = bytearray(ok)
    content[38:46] = (10_000).to_bytes(4, "little") * 2  # px per metre of a bitmap
    assert open_film(bytes(content), "a.bmp", settings).calibration.pixel_size_mm is None
    believing = replace(settings, pixel_size_order=("dicom", "file"))
    assert open_film(bytes(content), "a.bmp", believing).calibration.pixel_size_mm == pytest.approx(0.1, abs=1e-4)


def test_the_ruler_that_its_detector_sees_counts_before_the_file(settings, dot_finder, dotted):
    sees = replace(
        settings, sizing=RulerSizing(LandmarkDetector([dot_finder]), 0.01, settings.sizing.calibration), pixel_size_mm=0.5
    )
    calibration = open_film(encode_image(dotted, ".png"), "a.png", sees).calibration
    between = np.linalg.norm(POINTS[0] - POINTS[1])
    assert calibration.pixel_size_mm == pytest.approx(10 / between, rel=0.01)
    assert calibration.source == "the ruler in the film"
    assert calibration.is_suspect, "the configured size is another"


def test_a_ruler_detector_comes_from_inferences_parameters(checkpoints, ruler_checkpoints):
    inference = {"ruler_models": str(ruler_checkpoints), "pixel_size_mm": 0.2}
    settings = load_settings(checkpoints, PARAMETERS | {"inference": inference})
    assert settings.sizing.detector.landmarks == ("p1", "p2")
    assert settings.pixel_size_mm == 0.2


def test_networks_that_locate_no_ruler_are_no_ruler_detector(checkpoints):
    with pytest.raises(DetectorError, match=r"ruler_models = .*: its networks locate 19 landmarks, but not .* p1 and p2"):
        load_settings(checkpoints, PARAMETERS | {"inference": {"ruler_models": str(checkpoints)}})


def test_of_a_ruler_detector_only_the_marks_count():
    of_ruler = pd.DataFrame({"landmark": ["Sella", "p1", "p2"]})
    assert with_marks(pd.DataFrame({"landmark": ["Sella"]}), of_ruler)["landmark"].tolist() == ["Sella", "p1", "p2"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda png: b"hello", "a.png: damaged or not an image"),
        (lambda png: png[: len(png) // 2], "a.png: damaged or truncated"),
        (lambda png: b"", "a.png: damaged or not an image"),
        (lambda png: encode_image(np.zeros((1, 1), dtype=np.uint8), ".png"), "a.png: 1 × 1 pixels, which is no film"),
    ],
)
def test_a_bad_film_is_named_with_what_is_wrong(settings, film_bytes, spoil, said):
    with pytest.raises(ImageReadError, match=said):
        open_film(spoil(film_bytes), "a.png", settings)


@pytest.mark.parametrize("name", ["../../etc/a.png", "C:\\films\\a.png", "a.png"])
def test_a_name_leads_nowhere(settings, film_bytes, name):
    film = open_film(film_bytes, name, settings)
    assert (film.file, film.image_id) == ("a.png", "a")


def test_without_a_trained_detector_it_is_said_what_to_run(tmp_path):
    with pytest.raises(PageError, match="kedro run --env demo --pipelines demo"):
        models_folder([tmp_path / "06_models", tmp_path / "demo" / "06_models"])


def test_the_first_folder_with_a_detector_counts(checkpoints, tmp_path):
    assert models_folder([tmp_path, checkpoints]) == checkpoints


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["phantom_0001", "phantom_0002", "cks1"], (OF_PHANTOMS, True)),
        (["cks1", "cks2", "phantom_0003"], ("This detector was trained on 2 films (aariz).", False)),
    ],
)
def test_a_detector_of_phantoms_says_so(tmp_path, names, said):
    images = pd.DataFrame({"image_id": names, "split": ["train", "train", "test"], "dataset": "aariz"})
    (tmp_path / "03_primary").mkdir()
    images.to_parquet(tmp_path / "03_primary" / "images.parquet")
    assert learned_from(tmp_path / "06_models") == said


def test_what_is_not_known_of_a_detector_is_said(tmp_path):
    assert "are unknown" in learned_from(tmp_path / "06_models")[0]


def test_a_demo_that_fails_is_said_before_the_page_opens(tmp_path):
    with pytest.raises(ClickException, match="the demo has failed"):
        train_on_phantoms(tmp_path)  # no project


def test_an_environment_that_there_is_not_is_said_without_a_traceback(monkeypatch):
    monkeypatch.setitem(sys.modules, "ceph_pipeline.page.server", SimpleNamespace(page_server=None))  # needs an extra
    project = bootstrap_project(Path(ceph_pipeline.__file__).parents[2])
    result = CliRunner().invoke(cli, ["page", "--env", "isbi2051"], obj=project)
    assert result.exit_code == 1
    assert result.output.startswith("Error: --env isbi2051: there is no folder ")


def test_the_preset_of_the_training_and_parameters_apply_to_the_page(monkeypatch, tmp_path):
    opened = {}

    def load(model, parameters):
        opened.update(parameters, model=model)

    server = SimpleNamespace(run_until_shutdown=lambda: None)
    monkeypatch.setitem(sys.modules, "ceph_pipeline.page.server", SimpleNamespace(page_server=lambda settings, port: server))
    monkeypatch.setattr("ceph_pipeline.page.settings.load_settings", load)
    monkeypatch.setattr("ceph_pipeline.page.settings.is_detector", lambda folder: folder == tmp_path / "06_models")
    root = Path(ceph_pipeline.__file__).parents[2]
    preset = ["--config", str(root / "conf" / "presets" / "few_films.yml")]
    params = ["--params", f"data_root={tmp_path},detector.refinement.stage1_share=0.5"]
    result = CliRunner().invoke(cli, ["page", *preset, *params], obj=bootstrap_project(root), catch_exceptions=False)

    assert result.exit_code == 0, result.output
    assert opened["model"] == tmp_path / "06_models"
    assert opened["detector"]["views_stage1"] == "five"
    assert opened["detector"]["refinement"]["stage1_share"] == 0.5


def test_a_file_that_is_no_preset_is_said_without_a_traceback(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ceph_pipeline.page.server", SimpleNamespace(page_server=None))
    (tmp_path / "notes.yml").write_text("stage1: {}\n", encoding="utf-8")
    project = bootstrap_project(Path(ceph_pipeline.__file__).parents[2])
    result = CliRunner().invoke(cli, ["page", "--config", str(tmp_path / "notes.yml")], obj=project)
    assert result.exit_code == 1
    assert "notes.yml: not a preset" in result.output
