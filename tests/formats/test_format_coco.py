"""COCO keypoints, as the tools write them."""

import json

import cv2
import numpy as np
import pytest

from ceph_pipeline.formats import AnnotationError, ReadOptions, read

NAMES = ["Sella", "Nasion", "N`"]


def image(number=1, name="a.png", **extra):
    return {"id": number, "file_name": name, "width": 100, "height": 80} | extra


def annotation(keypoints, image_id=1, category=1, **extra):
    return {"id": 1, "image_id": image_id, "category_id": category, "keypoints": keypoints} | extra


@pytest.fixture
def coco(tmp_path):
    def write(images, annotations, names=NAMES, file="coco.json"):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True, parents=True)
        categories = [{"id": 0, "name": "dummy"}, {"id": 1, "name": "face", "keypoints": names}]
        path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
        return tmp_path

    return write


POINTS = [10.25, 20.5, 2, 30, 40, 1, 50, 60, 2]


class TestReading:
    def test_points_have_the_category_s_names(self, coco):
        found = read(coco([image()], [annotation(POINTS)])).landmarks.set_index("landmark")
        assert tuple(found.loc["Sella", ["x", "y"]]) == (10.25, 20.5)
        assert list(found.index) == ["Sella", "Nasion", "Soft Tissue Nasion"]

    def test_visibility_0_is_missing_whatever_x_and_y_say(self, coco):
        found = read(coco([image()], [annotation([10, 20, 2, 30, 40, 0, 50, 60, 2])]))
        assert found.landmarks.set_index("landmark")["x"].isna().to_dict() == {
            "Sella": False,
            "Nasion": True,
            "Soft Tissue Nasion": False,
        }
        assert "1 of 3 landmarks missing: Nasion" in found.quarantine["reason"][0]

    def test_ids_may_be_numbers_here_and_text_there(self, coco):
        assert len(read(coco([image("7")], [annotation(POINTS, image_id=7, category="1")])).images) == 1

    def test_roboflow_s_hash_is_taken_off(self, coco):
        name = "film_12_png.rf.214cce6bb3ae771154f090f8010467bb.jpg"
        root = coco([image(1, name, extra={"name": "film_12.png"})], [annotation(POINTS)], file="valid/_annotations.coco.json")
        found = read(root).images
        assert found["image_id"][0] == "film_12"
        assert found["path"][0] == name
        assert found["split"][0] == "valid"

    def test_the_hash_is_known_by_its_form_too(self, coco):
        assert read(coco([image(1, "a.b_jpg.rf.0123456789abcdef.jpg")], [annotation(POINTS)])).images["image_id"][0] == "a.b"

    def test_two_copies_of_one_film_are_one_too_many(self, coco):
        images = [image(1, "a_png.rf.aaaa.jpg", extra={"name": "a.png"}), image(2, "a_png.rf.bbbb.jpg", extra={"name": "a.png"})]
        with pytest.raises(AnnotationError, match="'a' again"):
            read(coco(images, [annotation(POINTS), annotation(POINTS, image_id=2)]))

    def test_annotations_of_one_image_add_up(self, coco):
        box = {"id": 3, "image_id": 1, "category_id": 0, "bbox": [1, 2, 3, 4]}
        halves = [annotation([10, 20, 2, 0, 0, 0, 0, 0, 0]), annotation([0, 0, 0, 30, 40, 2, 50, 60, 2]), box]
        assert read(coco([image()], halves)).landmarks["x"].tolist() == [10, 30, 50]

    def test_readers_are_told_apart_by_their_attribute(self, coco):
        sets = [annotation(POINTS, attributes={"reader": reader}) for reader in ("senior", "junior")]
        assert set(read(coco([image()], sets)).landmarks["reader"]) == {"senior", "junior"}

    def test_label_studio_s_prefix_is_taken_off(self, coco):
        found = read(coco([image(1, "/data/upload/6/8a75433a-ceph-1.png")], [annotation(POINTS)])).images
        assert (found["image_id"][0], found["path"][0]) == ("ceph-1", "ceph-1.png")


class TestRefusals:
    def test_a_landmark_given_twice_is_missing_and_reported(self, coco):
        root = coco([image()], [annotation(POINTS), annotation([11, 21, 2, 0, 0, 0, 0, 0, 0])])
        with pytest.raises(AnnotationError, match="'Sella': found a second key point"):
            read(root)
        assert np.isnan(read(root, on_bad_item="quarantine").landmarks.set_index("landmark").loc["Sella", "x"])

    def test_names_twice_in_a_category_are_reported(self, coco):
        with pytest.raises(AnnotationError, match="a second key point"):
            read(coco([image()], [annotation(POINTS)], names=["Sella", "Sella", "Nasion"]))

    def test_points_without_names_need_an_order_from_the_user(self, coco):
        root = coco([image()], [annotation(POINTS, category=0)])
        with pytest.raises(AnnotationError, match=r"Name the numbered landmarks with `ingestion\.reading\.landmarks"):
            read(root)
        found = read(root, options=ReadOptions(landmarks=("Or", {"name": "Basion", "symbol": "Ba"}, "Po")))
        assert list(found.landmarks["landmark"]) == ["Orbitale", "Basion", "Porion"]

    def test_annotations_without_key_points_are_no_success(self, coco):
        with pytest.raises(AnnotationError, match=r"no annotation with key points.*skeleton"):
            read(coco([image()], []))

    def test_as_many_points_as_names(self, coco):
        with pytest.raises(AnnotationError, match="found 2 points, expected 3"):
            read(coco([image()], [annotation(POINTS[:6])]))

    def test_infinity_is_no_missing_point(self, coco):
        root = coco([image()], [annotation([float("inf"), 2, 2, *POINTS[3:]])])
        with pytest.raises(AnnotationError, match=r"'Sella': found \[inf, 2\], expected finite numbers"):
            read(root)

    def test_another_size_than_the_image_s_is_refused(self, coco, tmp_path):
        cv2.imwrite(str(tmp_path / "a.png"), np.zeros((100, 80), np.uint8))
        with pytest.raises(AnnotationError, match="100 × 80 recorded, the image has 80 × 100"):
            read(coco([image()], [annotation(POINTS)]))

    def test_a_name_in_two_folders_needs_its_path(self, coco, tmp_path):
        for folder in ("anna", "otto"):
            (tmp_path / folder).mkdir()
            cv2.imwrite(str(tmp_path / folder / "a.png"), np.zeros((80, 100), np.uint8))
        with pytest.raises(AnnotationError, match=r"'a\.png' is the name of anna/a\.png, otto/a\.png"):
            read(coco([image()], [annotation(POINTS)]))
        both = coco([image(1, "anna/a.png"), image(2, "otto/a.png")], [annotation(POINTS), annotation(POINTS, image_id=2)])
        assert list(read(both).images["image_id"]) == ["anna_a", "otto_a"]


def by(reader, *values):
    return [annotation(list(values), attributes={"reader": reader})]


class TestOneFilmInTwoFiles:
    ANNA = by("anna", 100, 100, 2, 150, 60, 2, 120, 40, 2)
    BEN = by("ben", 50, 50, 2, 75, 30, 2, 60, 20, 2)

    @pytest.mark.parametrize("at_hand", [True, False])
    def test_points_on_frames_of_two_sizes_are_refused(self, coco, tmp_path, at_hand):
        coco([image(width=200, height=240)], self.ANNA, file="a.json")
        root = coco([image(width=100, height=120)], self.BEN, file="b.json")
        if at_hand:
            cv2.imwrite(str(tmp_path / "a.png"), np.zeros((240, 200), np.uint8))
        with pytest.raises(AnnotationError, match=r"b\.json: image 1: found size 200 × 240 and 100 × 120, expected one size"):
            read(root)
        found = read(root, on_bad_item="quarantine")
        assert found.images.empty
        assert found.quarantine[["item", "file"]].to_numpy().tolist()[:2] == [["a", "a.json"], ["a", "b.json"]]

    def test_of_two_splits_is_refused(self, coco):
        coco([image()], by("anna", *POINTS), file="train.json")
        with pytest.raises(AnnotationError, match="found split test and train, expected one size, split"):
            read(coco([image()], by("ben", *POINTS), file="test.json"))

    def test_has_the_pixel_size_and_split_that_either_says(self, coco):
        coco([image()], by("anna", *POINTS), file="a.json")
        found = read(coco([image(pixel_size_mm=0.1)], by("ben", *POINTS), file="b_test.json"))
        assert found.images[["split", "pixel_size_mm"]].to_numpy().tolist() == [["test", 0.1]]
        assert set(found.landmarks["reader"]) == {"anna", "ben"}

    def test_a_point_s_problem_names_the_file_that_has_it(self, coco):
        coco([image()], by("anna", *POINTS), file="a.json")
        with pytest.raises(AnnotationError, match=r"b\.json: landmark 'S': found x = 500, expected -0\.5 to 99\.5"):
            read(coco([image()], by("ben", 500, 20, 2, *POINTS[3:]), file="b.json"))


def test_an_exact_path_is_that_image_whatever_lies_deeper(coco, tmp_path):
    for path in ("1.png", "A/1.png", "B/A/1.png"):
        (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
        cv2.imwrite(str(tmp_path / path), np.zeros((80, 100), np.uint8))
    images = [image(1, "1.png"), image(2, "A/1.png"), image(3, "B/A/1.png")]
    points = [annotation([number, *POINTS[1:]], image_id=number) for number in (1, 2, 3)]
    found = read(coco(images, points))
    sella = found.landmarks[found.landmarks["landmark"] == "Sella"].merge(found.images, on="image_id")
    assert sorted(sella[["path", "x"]].to_numpy().tolist()) == [["1.png", 1], ["A/1.png", 2], ["B/A/1.png", 3]]


def test_an_image_that_cannot_be_told_is_left_out_alone(coco, tmp_path):
    for path in ("A/1.png", "B/1.png"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / path), np.zeros((80, 100), np.uint8))
    root = coco([image(1, "gone/1.png"), image(2, "A/1.png")], [annotation(POINTS), annotation(POINTS, image_id=2)])
    item = read(root, on_bad_item="quarantine").quarantine.query("outcome == 'image quarantined'")["item"].item()
    assert item.startswith("1-")
    assert read(root, exclude=[item]).images["path"].tolist() == ["A/1.png"]
