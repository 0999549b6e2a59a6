"""Downloads are read again: by the readers of formats, as tables, as pages."""

import io
import zipfile

import pandas as pd
import pytest

from ceph_pipeline.formats import read, write
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


def test_a_corrected_film_joins_an_exported_set_as_a_training_film(correction, film_bytes, tmp_path):
    """What own_films.md describes: the export with its films, the new film and the page's COCO file are in one folder."""
    names, splits = ["b", "c"], ["train", "test"]
    images = pd.DataFrame({"image_id": names, "path": ["b.png", "c.png"], "split": splits, "width": 900, "height": 1000})
    points = pd.concat([correction.points().predictions.assign(image_id=name, reader="senior") for name in names])
    write(tmp_path, "coco", images.assign(pixel_size_mm=[0.2, 0.3], machine="unknown"), points)
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").write_bytes(film_bytes)
    name, content = annotation_file(correction, "coco")
    assert name == "a_coco.json"
    (tmp_path / name).write_bytes(content)

    found = read(tmp_path, "coco")
    films = found.images.set_index("image_id")
    assert films["split"].to_dict() == {"a": "train", "b": "train", "c": "test"}
    assert films["pixel_size_mm"].to_dict() == pytest.approx({"a": 0.1, "b": 0.2, "c": 0.3})
    moved = found.landmarks.set_index(["image_id", "landmark"]).loc[("a", "A-point")]
    assert (moved["reader"], moved["x"], moved["y"]) == ("corrected", 797.25, 612.5)


@pytest.mark.parametrize(
    ("format", "name"),
    [("labelme", "a.json"), ("coco", "a_coco.json"), ("table", "a_table.csv"), ("label_studio", "a_label_studio.zip")],
)
def test_annotations_are_named_after_their_film(correction, format, name):
    assert annotation_file(correction, format).name == name


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
