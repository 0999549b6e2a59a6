"""The layout of the ISBI 2015 challenge."""

import os
from pathlib import Path

import numpy as np
import pytest

from ceph_pipeline.formats import AnnotationError, read

REAL = Path(os.environ.get("CEPH_ISBI2015", "data/isbi2015/01_raw/isbi2015"))


class TestReading:
    def test_subsets_follow_the_numbers(self, isbi):
        isbi.add("301", "Test2Data")
        images = read(isbi.root).images
        assert dict(zip(images["image_id"], images["subset"], strict=True)) == {
            "001": "train",
            "002": "train",
            "151": "test1",
            "301": "test2",
        }
        assert list(images["split"]) == ["train", "train", "test", "test"]

    def test_pixels_are_a_tenth_of_a_millimetre(self, isbi):
        assert read(isbi.root, "isbi2015").images["pixel_size_mm"].eq(0.1).all()

    def test_lines_are_the_19_landmarks_in_order(self, isbi):
        points = read(isbi.root).landmarks.query("image_id == '001' and reader == 'senior'").set_index("landmark")
        assert len(points) == 19
        assert tuple(points.loc["Sella", ["x", "y"]]) == (10, 20)
        assert tuple(points.loc["A-point", ["x", "y"]]) == (22, 24)
        assert tuple(points.loc["Articulare", ["x", "y"]]) == (64, 38)

    @pytest.mark.parametrize("classes", [0, 3, 8])
    def test_class_lines_may_follow(self, isbi, classes):
        isbi.add("003", "TrainingData", classes=classes)
        assert "003" in set(read(isbi.root).images["image_id"])

    def test_blank_lines_carriage_returns_and_fractions_are_read(self, isbi):
        path = isbi.text_file("001")
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"10,20\n", b" 10.5, 20 \n\n").replace(b"\n", b"\r\n"))
        points = read(isbi.root).landmarks.query("image_id == '001' and reader == 'senior'")
        assert points["x"].iloc[0] == 10.5
        assert points["x"].notna().all()

    def test_the_original_folders_are_recognised(self, tmp_path, isbi):
        original = type(isbi)(tmp_path / "original", "RawImage", "AnnotationsByMD/400_annotations")
        original.add("001", "TrainingData", ".bmp")
        original.add("200", "Test1Data", ".bmp")
        images = read(original.root).images
        assert list(images["path"]) == ["RawImage/TrainingData/001.bmp", "RawImage/Test1Data/200.bmp"]

    def test_one_reader_is_enough(self, isbi):
        isbi.text_file("001", "junior").unlink()
        found = read(isbi.root)
        assert found.landmarks.query("image_id == '001' and reader == 'junior'")["x"].isna().all()
        assert list(found.quarantine["outcome"]) == ["kept"]

    def test_points_of_a_subset_whose_images_are_not_there_are_no_trouble(self, isbi):
        isbi.add("301", "Test2Data")
        (isbi.root / "Test2Data/301.bmp").unlink()
        assert read(isbi.root).quarantine.empty


def _replace(isbi, old, new):
    path = isbi.text_file("001")
    path.write_text(path.read_text().replace(old, new, 1))


SPOILERS = {
    "semicolon": (lambda isbi: _replace(isbi, "13,21", "13;21"), "001.txt: line 2 (Nasion): found '13;21', expected 'x,y'"),
    "short": (lambda isbi: isbi.text_file("001").write_text("1,2\n3,4\n"), "001.txt: lines: found 2 points, expected 19"),
    "ninth_class": (
        lambda isbi: isbi.text_file("001").write_text(isbi.text_file("001").read_text() + "4\n"),
        "line 28: found '4'",
    ),
    "words_after": (lambda isbi: isbi.text_file("001").write_text(isbi.text_file("001").read_text()[:-2] + "class\n"), "'class'"),
    "outside": (lambda isbi: _replace(isbi, "13,21", "13,2100"), "landmark 'N': found y = 2100, expected -0.5 to 99.5"),
    "damaged": (
        lambda isbi: (isbi.root / "TrainingData/001.bmp").write_bytes(b"BM"),
        "TrainingData/001.bmp: image: found an unreadable",
    ),
    "misplaced": (
        lambda isbi: (isbi.root / "TrainingData/001.bmp").rename(isbi.root / "Test1Data/001.bmp"),
        "Test1Data/001.bmp: folder: found 'Test1Data', expected the folder of subset train",
    ),
    "no_text": (
        lambda isbi: [isbi.text_file("001", reader).unlink() for reader in ("senior", "junior")],
        "no usable file of any reader",
    ),
    "no_image": (lambda isbi: (isbi.root / "TrainingData/001.bmp").unlink(), "400_senior/001.txt: image: found none"),
    "text_twice": (
        lambda isbi: (
            (isbi.root / "AnnotationsByMD/senior_copy").mkdir()
            or (isbi.root / "AnnotationsByMD/senior_copy/001.txt").write_text(isbi.text_file("001").read_text())
        ),
        "same identifier as AnnotationsByMD/400_senior/001.txt",
    ),
}


@pytest.mark.parametrize("kind", SPOILERS)
class TestBadItems:
    def test_is_refused_naming_file_and_line(self, isbi, kind):
        spoil, message = SPOILERS[kind]
        spoil(isbi)
        with pytest.raises(AnnotationError) as refusal:
            read(isbi.root)
        assert message in str(refusal.value)

    def test_is_quarantined_on_request(self, isbi, kind):
        SPOILERS[kind][0](isbi)
        found = read(isbi.root, on_bad_item="quarantine")
        assert found.quarantine["item"].str.startswith("001").any()
        assert {"002", "151"} <= set(found.images["image_id"])


def test_a_name_that_is_no_number_is_refused(isbi):
    (isbi.root / "TrainingData/001.bmp").rename(isbi.root / "TrainingData/1.bmp")
    with pytest.raises(AnnotationError, match=r"found '1\.bmp', expected a number from 001 to 400"):
        read(isbi.root)


@pytest.mark.skipif(not REAL.is_dir(), reason="the ISBI 2015 data set is not at hand (CEPH_ISBI2015 names its folder)")
def test_the_real_data_set_is_complete():
    found = read(REAL, "isbi2015")
    assert found.images["subset"].value_counts()["train"] == 150
    assert found.landmarks["x"].notna().all()
    assert found.quarantine.empty
    wide = found.landmarks.pivot(index=["image_id", "landmark"], columns="reader", values=["x", "y"])
    apart_mm = np.hypot(wide["x"]["senior"] - wide["x"]["junior"], wide["y"]["senior"] - wide["y"]["junior"]) * 0.1
    assert 1.0 < apart_mm.mean() < 4.0


def test_of_two_files_of_one_reader_the_second_is_quarantined_and_the_film_kept(isbi):
    SPOILERS["text_twice"][0](isbi)
    found = read(isbi.root, on_bad_item="quarantine")
    assert "001" in set(found.images["image_id"])
    assert found.quarantine["outcome"].tolist() == ["file quarantined"]
