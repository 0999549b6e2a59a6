"""YOLO-pose rows: which values there are, what is missing, and whose names."""

import cv2
import numpy as np
import pytest

from ceph_pipeline.formats import AnnotationError, ReadOptions, read


@pytest.fixture
def yolo(tmp_path):
    def write(rows, yaml="kpt_shape: [2, 3]\nkpt_names: {0: [Sella, Nasion]}\n", folder="train"):
        for place, content in ((tmp_path / "labels" / folder / "a.txt", rows), (tmp_path / "data.yaml", yaml)):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
        image = tmp_path / "images" / folder / "a.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(image), np.zeros((50, 200), np.uint8))
        return tmp_path

    return write


BOX = "0 0.5 0.5 1 1"


def points(found):
    return found.landmarks.set_index("landmark")[["x", "y"]].T.to_dict("list")


def test_fractions_become_pixels(yolo):
    found = read(yolo(f"{BOX} 0.25 0.5 2 0.125 0.1 1 \n", folder="val"))
    assert points(found) == {"Sella": [50, 25], "Nasion": [25, 5]}
    assert found.images["split"][0] == "valid"
    assert found.images["path"][0] == "images/val/a.png"


def test_only_the_shape_tells_two_values_from_three(yolo):
    two = yolo(f"{BOX} 0.25 0.5 0.125 0.1 0.5 0.5\n", "kpt_shape: [3, 2]\nkpt_names: {0: [S, N, Or]}\n")
    assert points(read(two)) == {"Sella": [50, 25], "Nasion": [25, 5], "Orbitale": [100, 25]}


def test_missing_points_are_those_of_visibility_0_or_at_0_0(yolo):
    assert np.isnan(points(read(yolo(f"{BOX} 0.25 0.5 0 0.125 0.1 1\n")))["Sella"]).all()
    two = yolo(f"{BOX} 0 0 0.125 0.1\n", "kpt_shape: [2, 2]\nkpt_names: {0: [S, N]}\n")
    assert np.isnan(points(read(two))["Sella"]).all()


def test_classes_share_the_shape_and_add_up(yolo):
    assert points(read(yolo(f"{BOX} 0.25 0.5 2 0 0 0\n1 0.5 0.5 1 1 0 0 0 0.125 0.1 2\n"))) == {
        "Sella": [50, 25],
        "Nasion": [25, 5],
    }


def test_two_instances_of_one_landmark_are_reported(yolo):
    with pytest.raises(AnnotationError, match="'Sella': found a second key point"):
        read(yolo(f"{BOX} 0.25 0.5 2 0.1 0.1 2\n{BOX} 0.3 0.5 2 0 0 0\n"))


def test_without_names_the_user_gives_the_order(yolo):
    root = yolo(f"{BOX} 0.25 0.5 2 0.125 0.1 2\n", "kpt_shape: [2, 3]\nnames:\n0: face\n")
    with pytest.raises(AnnotationError, match="point '1', a number without a name"):
        read(root)
    assert points(read(root, options=ReadOptions(landmarks="ruler"))) == {"p1": [50, 25], "p2": [25, 5]}


def test_more_points_than_names_are_reported(yolo):
    root = yolo(f"{BOX} 0.25 0.5 0.125 0.1 0.5 0.5\n", "kpt_shape: [3, 2]\n")
    with pytest.raises(AnnotationError, match="found 3 numbered points without names, expected 2"):
        read(root, options=ReadOptions(landmarks="ruler"))


def test_rows_of_another_length_are_refused_by_line(yolo):
    with pytest.raises(AnnotationError, match=r"labels/train/a\.txt: line 1: found 9 values, expected 11 numbers"):
        read(yolo(f"{BOX} 0.25 0.5 0.125 0.1\n"))


def test_label_studio_s_notes_name_the_points(yolo, tmp_path):
    root = yolo(f"{BOX} 0.25 0.5 2 0.125 0.1 2\n")
    (root / "data.yaml").unlink()
    (root / "classes.txt").write_text("face\n")
    (root / "notes.json").write_text('{"categories": [{"id": 0, "name": "face", "keypoints": ["N", "S"]}]}')
    assert points(read(root)) == {"Nasion": [50, 25], "Sella": [25, 5]}


def test_a_film_without_its_image_has_no_size(yolo):
    root = yolo(f"{BOX} 0.25 0.5 2 0.125 0.1 2\n")
    (root / "images/train/a.png").unlink()
    with pytest.raises(AnnotationError, match=r"size: found neither the image .a. nor its size, expected the image itself"):
        read(root)


def test_a_cache_is_named_and_never_opened(tmp_path):
    import pickle

    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    (tmp_path / "val.cache").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(AnnotationError, match="a pickle"):
        read(tmp_path / "val.cache")


@pytest.mark.parametrize("layout", ["{kind}/{split}", "{split}/{kind}"])
def test_equal_names_in_different_splits_are_told_apart(tmp_path, layout):
    (tmp_path / "data.yaml").write_text("kpt_shape: [2, 3]\nkpt_names: {0: [Sella, Nasion]}\n")
    for split, x in (("train", 0.25), ("val", 0.5)):
        image, labels = (tmp_path / layout.format(kind=kind, split=split) for kind in ("images", "labels"))
        image.mkdir(parents=True)
        labels.mkdir(parents=True)
        cv2.imwrite(str(image / "1.png"), np.zeros((50, 200), np.uint8))
        (labels / "1.txt").write_text(f"{BOX} {x} 0.5 2 0.125 0.1 2\n")
    found = read(tmp_path)
    sella = found.landmarks[found.landmarks["landmark"] == "Sella"].merge(found.images, on="image_id")
    assert sella[["split", "x"]].values.tolist() == [["train", 50], ["valid", 100]]


@pytest.mark.parametrize("names", [("a_jpg.rf.0a1b", "a_jpg.rf.2c3d"), ("a", "a_jpg.rf.2c3d")])
def test_copies_of_one_film_cannot_get_into_several_splits(tmp_path, names):
    (tmp_path / "data.yaml").write_text("kpt_shape: [2, 3]\nkpt_names: {0: [Sella, Nasion]}\n")
    for kind in ("labels", "images"):
        (tmp_path / "train" / kind).mkdir(parents=True)
    for name in names:
        (tmp_path / "train" / "labels" / f"{name}.txt").write_text(f"{BOX} 0.25 0.5 2 0.125 0.1 2\n")
        cv2.imwrite(str(tmp_path / "train" / "images" / f"{name}.jpg"), np.zeros((50, 200), np.uint8))
    with pytest.raises(AnnotationError, match=r"'a' again .* expected each image once: export without the augmented images"):
        read(tmp_path)
    found = read(tmp_path, on_bad_item="quarantine")
    assert found.images["path"].tolist() == [f"train/images/{names[0]}.jpg"]


def test_a_row_of_another_length_names_the_film_that_it_belongs_to(yolo):
    root = yolo(f"{BOX} 0.25 0.5 2 0.125 0.1 2\n{BOX} 1\n")
    for kind, suffix in (("labels", "txt"), ("images", "png")):
        (root / kind / "train" / f"a.{suffix}").rename(root / kind / "train" / f"a b.{suffix}")
    found = read(root, on_bad_item="quarantine")
    assert found.quarantine["item"][0] == found.images["image_id"][0] != "a b"


@pytest.mark.parametrize("film", ["test", "val", "train"])
def test_a_film_may_have_the_name_of_a_list(yolo, film):
    root = yolo(f"{BOX} 0.25 0.5 2 0.125 0.1 2\n")
    for path in (root / "labels/train/a.txt", root / "images/train/a.png"):
        path.rename(path.with_stem(film))
    (root / f"{film}.txt").write_text(f"./images/train/{film}.png\n")
    (root / "labels/classes.txt").write_text("face\n")
    found = read(root)
    assert found.images["path"].tolist() == [f"images/train/{film}.png"]
    assert points(found) == {"Sella": [50, 25], "Nasion": [25, 5]}


def test_a_film_may_have_two_suffixes(yolo):
    root = yolo(f"{BOX} 0.25 0.5 2 0.125 0.1 2\n")
    for path in (root / "labels/train/a.txt", root / "images/train/a.png"):
        path.rename(path.with_name(f"I1.dcm{path.suffix}"))
    assert read(root).images[["image_id", "path"]].to_numpy().tolist() == [["I1.dcm", "images/train/I1.dcm.png"]]
