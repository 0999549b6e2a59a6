"""ISBI 2015 as one sheet."""

import cv2
import numpy as np
import pytest

from ceph_pipeline.formats import AnnotationError, read
from ceph_pipeline.landmarks import SCHEMAS

HEADER = ",".join(["image_path", *(f"{number}_{axis}" for number in range(1, 20) for axis in "xy")])


def row(film, offset=0):
    return ",".join([film, *(str(3 * number * number % 80 + offset) for number in range(38))])


@pytest.fixture
def folder(tmp_path):
    for film in ("017.bmp", "301.bmp"):
        cv2.imwrite(str(tmp_path / film), np.zeros((100, 120), np.uint8))
    (tmp_path / "train_senior.csv").write_text(f"{HEADER}\n{row('301.jpg')}\n{row('017.jpg')}\n")
    return tmp_path


def test_points_are_the_challenge_s_and_films_are_found_with_another_suffix(folder):
    found = read(folder)
    assert found.landmarks["landmark"].tolist()[:19] == list(SCHEMAS["isbi2015"].names)
    assert set(found.landmarks["reader"]) == {"senior"}
    assert found.images["path"].tolist() == ["017.bmp", "301.bmp"]


def test_the_film_s_number_decides_the_subset(folder):
    images = read(folder).images.set_index("image_id")
    assert images["subset"].to_dict() == {"017": "train", "301": "test2"}
    assert images["split"].to_dict() == {"017": "train", "301": "test"}
    assert set(images["pixel_size_mm"]) == {0.1}


def test_each_reader_has_a_sheet(folder):
    (folder / "train_junior.csv").write_text(f"{HEADER}\n{row('017.jpg', offset=1)}\n")
    points = read(folder).landmarks.set_index(["image_id", "reader", "landmark"])["x"]
    assert points["017", "junior", "Sella"] == points["017", "senior", "Sella"] + 1


def test_a_film_twice_in_a_sheet_is_reported(folder):
    with (folder / "train_senior.csv").open("a") as stream:
        stream.write(row("017.jpg") + "\n")
    with pytest.raises(AnnotationError, match="'017' again"):
        read(folder)
