"""Downloads are read again: by the readers of formats, as tables, as pages."""

import io
import zipfile

import pandas as pd
import pytest

from ceph_pipeline.formats import read
from ceph_pipeline.page.correction import Correction
from ceph_pipeline.page.downloads import ANNOTATIONS, annotation_file, report_file, results_file
from ceph_pipeline.page.opening import open_film

from .conftest import FACE

MOVED = FACE | {"A-point": (797.25, 612.5)}
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>.png'


@pytest.fixture
def correction(film, settings):
    found = Correction(film, settings)
    found.place(MOVED)
    found.calibrate_by_size(0.1)
    return found


@pytest.mark.parametrize("format", ANNOTATIONS)
def test_a_corrected_annotation_is_read_again(correction, film_bytes, tmp_path, format):
    (tmp_path / "a.png").write_bytes(film_bytes)
    name, content = annotation_file(correction, format)
    if name.endswith(".zip"):
        zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    else:
        (tmp_path / name).write_bytes(content)
    landmarks = read(tmp_path, format, images=tmp_path).landmarks.set_index("landmark")
    found = {name: tuple(landmarks.loc[name, ["x", "y"]]) for name in MOVED}
    assert found == {name: pytest.approx(place, abs=0.01) for name, place in MOVED.items()}


def test_results_are_the_measurements_beside_the_chosen_norms(correction, settings):
    name, content = results_file(correction, settings.cephalometry, ("made_up",))
    rows = pd.read_csv(io.BytesIO(content)).set_index("measurement")
    assert name == "a_measurements.csv"
    assert rows.loc["SN_mm", "value"] == pytest.approx(70.0)
    assert rows.loc["SNA", "norm_mean"] == 80
    assert "norm_mean" not in pd.read_csv(io.BytesIO(results_file(correction, settings.cephalometry, ())[1]))


def test_the_report_says_which_points_a_person_has_placed(correction):
    name, content = report_file(correction, ())
    assert name == "a.html"
    assert "<b>Placed or removed by a person:</b> A-point." in content.decode()
    assert "a number entered by a person" in content.decode()


def test_a_script_in_a_films_name_is_text(settings, film_bytes):
    name, content = report_file(Correction(open_film(film_bytes, EVIL, settings), settings), ())
    assert "<script>alert" not in content.decode()
    assert "<img src=x" not in content.decode()
    assert "/" not in name
