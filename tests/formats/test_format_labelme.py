"""labelme: files belong to the image of their own name."""

import json

import cv2
import numpy as np
import pytest

from ceph_pipeline.formats import AnnotationError, ReadOptions, read, unknown_labels


def shape(label, *point, kind="point"):
    return {"label": label, "points": [list(point)], "shape_type": kind}


SHAPES = (shape("Sella", 10.5, 20), shape("Nasion", 30, 8.25))


@pytest.fixture
def labelme(tmp_path):
    def write(name, *shapes, image="", size=(100, 80), with_image=True):
        content = {"shapes": list(shapes), "imagePath": image or f"{name}.png", "imageWidth": size[0], "imageHeight": size[1]}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        if with_image:
            cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((80, 100), np.uint8))
        return tmp_path

    return write


def test_the_file_s_own_name_counts_and_another_existing_one_is_said(labelme):
    labelme("film.1", *SHAPES, image="..\\other\\film.2.png")
    found = read(labelme("film.2", shape("Sella", 1, 2), shape("Nasion", 3, 4)))
    assert found.landmarks.set_index(["image_id", "landmark"]).loc[("film.1", "Sella"), "x"] == 10.5
    assert "a different existing image in 1 of 2 files" in found.quarantine["reason"][0]


def test_a_name_of_no_existing_image_is_not_worth_a_word(labelme):
    assert read(labelme("a", *SHAPES, image="C:\\old\\gone.jpg")).quarantine.empty


def test_one_label_twice_and_another_absent_is_no_right_count(labelme):
    labelme("a", *SHAPES)
    root = labelme("b", shape("Sella", 1, 2), shape("Sella", 3, 4))
    with pytest.raises(AnnotationError, match="'Sella': found a second key point"):
        read(root)
    found = read(root, on_bad_item="quarantine")
    assert found.landmarks[found.landmarks["image_id"] == "b"]["x"].isna().all()
    assert any("2 of 2 landmarks missing: Sella, Nasion" in reason for reason in found.quarantine["reason"])


def test_other_shapes_are_passed_over_with_a_remark(labelme):
    found = read(labelme("a", *SHAPES, shape("box", 1, 1, kind="rectangle")))
    assert len(found.landmarks) == 2
    assert "found 1 rectangle" in found.quarantine["reason"][0]


def test_labels_are_known_with_no_break_spaces_primes_and_the_user_s_words(labelme):
    root = labelme(
        "a",
        shape("Anterior\u00a0Nasal Spine ", 1, 2),
        shape("N\u2019", 3, 4),
        shape("tip of nose", 5, 6),
        shape("Subspinale", 7, 8),
    )
    found = read(root, options=ReadOptions(labels={"tip of nose": "Pn"}))
    assert list(found.landmarks["landmark"]) == ["Anterior Nasal Spine", "Soft Tissue Nasion", "Pronasale", "A-point"]


def test_labels_in_another_spelling_are_known_unless_they_are_single_letters(labelme):
    root = labelme("a", shape("GONION", 1, 2), shape("a-POINT", 3, 4), shape("n", 5, 6), shape("Nasoin", 7, 8))
    found = read(root)
    assert list(found.landmarks["landmark"]) == ["Gonion", "A-point", "n", "Nasoin"]
    message = unknown_labels(found.landmarks, ReadOptions())
    assert message is not None
    assert "films of 1: 'Nasoin' on 1 (nearest: Nasion), 'n' on 1 (nearest: Nasion)." in message
    assert "`ingestion.reading.labels`, such as `{Nasoin: Nasion}`" in message


def test_two_labels_of_one_landmark_are_refused_unless_one_is_kept_apart(labelme):
    root = labelme("a", shape("Pog", 1, 2), shape("pog", 3, 4))
    with pytest.raises(AnnotationError, match="labels 'Pog' and 'pog' of one landmark, Pogonion"):
        read(root)
    for options in (ReadOptions(labels={"pog": "pog"}), ReadOptions(landmarks=("Pog", {"name": "pog", "symbol": "pog'"}))):
        found = read(root, options=options).landmarks
        assert dict(zip(found["landmark"], found["x"], strict=True)) == {"Pogonion": 1, "pog": 3}
        assert unknown_labels(found, options) is None
    options = ReadOptions(labels={"pog": "soft-tissue pogonion"})
    assert list(read(root, options=options).landmarks["landmark"]) == ["Pogonion", "Soft Tissue Pogonion"]


def test_names_of_films_may_have_dots_blanks_and_letters_of_any_script(labelme):
    for name in ("a.b.c", "M\u00fcller Anna", "\u0635\u0648\u0631\u0629 \u0661"):
        root = labelme(name, *SHAPES)
    found = read(root).images.set_index("path")
    assert found.loc["a.b.c.png", "image_id"] == "a.b.c"
    assert found.loc["M\u00fcller Anna.png", "image_id"].startswith("Muller_Anna-")
    assert found["image_id"].is_unique


def test_landmarks_of_the_configuration_are_expected_of_every_film(labelme):
    found = read(labelme("a", *SHAPES), options=ReadOptions(landmarks=("S", "N", "Or")))
    assert found.landmarks["landmark"].tolist() == ["Sella", "Nasion", "Orbitale"]
    assert found.landmarks["x"].isna().tolist() == [False, False, True]


def test_a_point_with_two_pairs_is_none(labelme):
    bad = {"label": "Sella", "points": [[1, 2], [3, 4]], "shape_type": "point"}
    with pytest.raises(AnnotationError, match="expected one pair"):
        read(labelme("a", bad))


def test_a_set_without_images_needs_recorded_sizes(labelme):
    assert len(read(labelme("a", *SHAPES, with_image=False)).images) == 1
    with pytest.raises(AnnotationError, match="size: found neither"):
        read(labelme("a", *SHAPES, with_image=False, size=(-5, 10**30)))


@pytest.mark.parametrize("names", [("1", "A/1"), ("A/1", "A/B/1")])
def test_a_file_belongs_to_the_image_beside_it_not_to_one_deeper(labelme, tmp_path, names):
    for x, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        root = labelme(name, shape("Sella", x, 20), shape("Nasion", 30, 8))
    found = read(root)
    sella = found.landmarks[found.landmarks["landmark"] == "Sella"].merge(found.images, on="image_id")
    assert sorted(sella[["path", "x"]].to_numpy().tolist()) == [[f"{name}.png", x] for x, name in enumerate(names)]


def test_an_image_may_have_two_suffixes(labelme):
    found = read(labelme("I1.dcm", *SHAPES))
    assert found.images[["image_id", "path"]].to_numpy().tolist() == [["I1.dcm", "I1.dcm.png"]]
    assert found.quarantine.empty
