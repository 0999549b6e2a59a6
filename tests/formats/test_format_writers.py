"""What is written is read again as it was, by this project's own readers."""

import json
import math
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ceph_pipeline.artifacts import FolderError, obstruction, scratch_beside
from ceph_pipeline.formats import WRITERS, AnnotationError, read, write
from ceph_pipeline.formats.writers.label_studio import score_of
from ceph_pipeline.formats.writers.point_set import WrittenPoint
from ceph_pipeline.formats.writers.selection import MARK, points_of_predictions, points_of_readers, require_free
from ceph_pipeline.landmarks import SCHEMAS

READ_BACK = sorted(set(WRITERS) - {"json"})
NEED_FILMS = ("aariz", "yolo_pose")
SEVERAL_READERS = sorted(name for name in READ_BACK if WRITERS[name].holds_readers)
NAMES = SCHEMAS["isbi2015"].names
SIZE = (1935, 2400)
EXACT_PX = 1e-9
"""Fractions and percents of an image are exact to a few units in the last place of a double."""


def image_table(paths, size=SIZE, splits=("train", "valid", "test"), **columns):
    ids = [Path(path).stem for path in paths]
    split = [splits[i % len(splits)] for i in range(len(ids))]
    defaults = {"pixel_size_mm": 0.1, "machine": "made", "dataset": "made"}
    return pd.DataFrame(
        {"image_id": ids, "path": paths, "split": split, "subset": split, "width": size[0], "height": size[1]}
        | defaults
        | columns
    )


def point_table(image_ids, readers=("senior",), names=NAMES, seed=1):
    """Points anywhere on the film, every seventh missing."""
    rows = [(image_id, reader, name) for image_id in image_ids for reader in readers for name in names]
    table = pd.DataFrame(rows, columns=["image_id", "reader", "landmark"])
    table[["x", "y"]] = np.random.default_rng(seed).uniform(-0.5, 1, (len(table), 2)) * SIZE
    table.loc[::7, ["x", "y"]] = np.nan
    table[["x", "y"]] = table[["x", "y"]].clip(-0.5, None)
    return table


def draw(folder, images):
    for path in images["path"]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / path), np.full(SIZE[::-1], 90, np.uint8))


def points_of(table):
    return table.set_index(["image_id", "reader", "landmark"])[["x", "y"]].sort_index()


def assert_same_points(found, expected):
    pd.testing.assert_frame_equal(points_of(found), points_of(expected), check_exact=False, rtol=0, atol=EXACT_PX)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Three films of different kinds, and their table."""
    folder = tmp_path_factory.mktemp("films")
    images = image_table(["a.png", "deeper/b.png", "c.jpg"])
    draw(folder, images)
    return folder, images


@pytest.mark.parametrize("format", READ_BACK)
class TestEveryFormat:
    def test_gives_back_points_splits_and_missing_ones(self, format, films, tmp_path):
        folder, images = films
        readers = ("senior", "junior") if WRITERS[format].holds_readers else ("annotator",)
        points = point_table(images["image_id"], readers)
        names = NAMES
        if format == "aariz":  # its films have all 29
            names = SCHEMAS["aariz"].names
            points = point_table(images["image_id"], readers, names)
        write(tmp_path / "out", format, images, points, films=folder)
        found = read(tmp_path / "out", format)
        assert_same_points(found.landmarks, points)
        assert set(found.landmarks["landmark"]) == set(names)
        columns = ["image_id", "split", "width", "height"]
        pd.testing.assert_frame_equal(found.images[columns], images[columns])

    def test_is_recognised_by_its_content_except_a_sheet(self, format, films, tmp_path):
        folder, images = films
        write(tmp_path / "out", format, images, point_table(images["image_id"], ["annotator"]), films=folder)
        if format == "table":
            with pytest.raises(AnnotationError):
                read(tmp_path / "out")
        else:
            assert len(read(tmp_path / "out").images) == 3

    def test_films_of_one_name_in_several_folders_stay_apart(self, format, tmp_path):
        images = image_table(["anna/1.png", "bea/1.png"]).assign(image_id=["anna_1", "bea_1"])
        draw(tmp_path / "films", images)
        points = point_table(images["image_id"], ["annotator"], SCHEMAS["aariz"].names)
        write(tmp_path / "out", format, images, points, films=tmp_path / "films")
        assert_same_points(read(tmp_path / "out", format).landmarks, points)

    def test_the_same_points_give_the_same_bytes(self, format, films, tmp_path):
        folder, images = films
        points = point_table(images["image_id"], ["annotator"])
        for name in ("one", "two"):
            write(tmp_path / name, format, images, points, films=folder)
        files = [sorted(path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*.*")) for name in ("one", "two")]
        assert files[0] == files[1]
        assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files[0])


@pytest.mark.parametrize("format", sorted(set(READ_BACK) - set(NEED_FILMS)))
class TestWithoutCopies:
    NAMES = ("Müller Anna 2.png", "dots.in.name.png", "no break.png")

    def test_names_with_blanks_and_umlauts_find_their_films(self, format, tmp_path):
        draw(tmp_path / "films", image_table(self.NAMES))
        whole = read_identifiers(tmp_path)
        images = image_table(self.NAMES).assign(image_id=whole)
        points = point_table(whole, ["annotator"])
        write(tmp_path / "out", format, images, points)
        found = read(tmp_path / "out", format, images=tmp_path / "films")
        assert_same_points(found.landmarks, points)
        assert set(found.images["path"]) == set(self.NAMES)

    def test_films_of_one_name_are_told_apart_by_their_folders(self, format, tmp_path):
        images = image_table(["anna/1.png", "bea/1.png"]).assign(image_id=["anna_1", "bea_1"])
        draw(tmp_path / "films", images)
        points = point_table(images["image_id"], ["annotator"])
        write(tmp_path / "out", format, images, points)
        assert_same_points(read(tmp_path / "out", format, images=tmp_path / "films").landmarks, points)


@pytest.mark.parametrize("format", SEVERAL_READERS)
def test_readers_keep_their_names(format, films, tmp_path):
    folder, images = films
    readers = ["anna_k", "stage2_tta"] if format == "aariz" else ["Dr. M\u00fcller", "K. L.", "stage2_tta"]
    points = point_table(images["image_id"], readers, SCHEMAS["aariz"].names)
    write(tmp_path / "out", format, images, points, films=folder)
    assert_same_points(read(tmp_path / "out", format).landmarks, points)


@pytest.mark.parametrize("format", ["coco", "label_studio", "table"])
@pytest.mark.parametrize(
    "paths",
    [["x.png", "x.jpg"], ["a/x.png", "b/x.png", "a_x.png"], ["X.png", "x.png"], ["a#1?q.png"]],
    ids=["kinds", "folders", "case", "signs"],
)
def test_films_whose_names_could_be_mistaken_for_each_other_stay_apart(format, paths, tmp_path):
    ids = [f"film{number}" for number in range(len(paths))]
    images = image_table(paths).assign(image_id=ids)
    draw(tmp_path / "films", images)
    points = point_table(ids, ["annotator"])
    write(tmp_path / "out", format, images, points)
    found = read(tmp_path / "out", format, images=tmp_path / "films")
    own = found.images.set_index("image_id")["path"].map(dict(zip(paths, ids, strict=True)))
    assert len(set(found.images["image_id"].str.casefold())) == len(paths)
    points = points.dropna()  # Label Studio's tasks do not say what is missing
    assert_same_points(found.landmarks.assign(image_id=found.landmarks["image_id"].map(own)).dropna(), points)


@pytest.mark.parametrize("format", ["coco", "label_studio", "labelme", "table"])
def test_a_film_in_the_root_is_not_mistaken_for_one_of_its_name_deeper(format, tmp_path):
    images = image_table(["1.png", "A/1.png"]).assign(image_id=["1", "A_1"])
    draw(tmp_path / "films", images)
    points = point_table(images["image_id"], ["annotator"])
    write(tmp_path / "out", format, images, points)
    assert_same_points(read(tmp_path / "out", format, images=tmp_path / "films").landmarks, points)


def test_yolo_gives_back_films_called_like_its_lists(tmp_path):
    images = image_table(["test.png", "val.png", "train.png"])
    draw(tmp_path / "films", images)
    points = point_table(images["image_id"], ["annotator"])
    write(tmp_path / "out", "yolo_pose", images, points, films=tmp_path / "films")
    assert_same_points(read(tmp_path / "out", "yolo_pose").landmarks, points)


def read_identifiers(tmp_path):
    """What the readers call the films, by way of a sheet."""
    sheet = tmp_path / "s.csv"
    rows = "".join(f"{name},{5 + i},{6}\n" for i, name in enumerate(TestWithoutCopies.NAMES))
    sheet.write_text(f"image,S_x,S_y\n{rows}", encoding="utf-8")
    found = read(sheet, "table", images=tmp_path / "films").images.set_index("path")["image_id"]
    return list(found[list(TestWithoutCopies.NAMES)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    xy=st.tuples(st.floats(-0.5, 1934.5), st.floats(-0.5, 2399.5)),
    format=st.sampled_from(["coco", "label_studio", "labelme", "table"]),
)
def test_any_point_comes_back(xy, format, tmp_path):
    images = image_table(["a.png"])
    points = pd.DataFrame([("a", "annotator", "Sella", *xy)], columns=["image_id", "reader", "landmark", "x", "y"])
    write(tmp_path / "out", format, images, points)
    found = read(tmp_path / "out", format).landmarks[["x", "y"]].to_numpy()[0]
    if format == "label_studio":
        assert np.abs(found - xy).max() < EXACT_PX
    else:
        assert tuple(found) == xy


def test_a_landmark_that_no_film_has_keeps_its_rows_where_the_format_has_missing_points(tmp_path):
    images = image_table(["a.png"])
    points = point_table(["a"], ["annotator"], ("Sella", "Nasion", "Menton"))
    points.loc[points["landmark"] == "Nasion", ["x", "y"]] = np.nan
    for name in ("coco", "table"):
        write(tmp_path / name, name, images, points)
        assert_same_points(read(tmp_path / name, name).landmarks, points)


@pytest.mark.parametrize("format", ["aariz", "coco", "table", "label_studio"])
def test_pixel_sizes_come_back_where_the_format_holds_them(format, films, tmp_path):
    folder, images = films
    images = images.assign(pixel_size_mm=[0.1, np.nan, 0.0873])
    write(tmp_path / "out", format, images, point_table(images["image_id"]), films=folder)
    found = read(tmp_path / "out", format).images
    np.testing.assert_array_equal(found["pixel_size_mm"], images["pixel_size_mm"])


def test_own_landmarks_keep_their_names_and_a_remark(tmp_path):
    points = point_table(["a"], ["annotator"], ("Sella", "Glabella", "Protuberantia mentalis, außen"))
    points[["x", "y"]] = [[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]
    for name in ("coco", "label_studio", "labelme", "table"):
        write(tmp_path / name, name, image_table(["a.png"]), points)
        found = read(tmp_path / name, name)
        assert_same_points(found.landmarks, points)
        assert found.quarantine["outcome"].eq("kept").all()


class TestAariz:
    def test_holds_stages_machines_and_the_ruler(self, films, tmp_path):
        folder, images = films
        points = point_table(images["image_id"], ["senior"], (*SCHEMAS["aariz"].names, "p1", "p2"))
        cvm = pd.DataFrame({"image_id": ["a", "c"], "stage": [2, 6]})
        write(tmp_path / "out", "aariz", images.assign(machine=["ART", "ART", "EVO"]), points, cvm=cvm, films=folder)
        found = read(tmp_path / "out", "aariz")
        assert_same_points(found.landmarks, points)
        pd.testing.assert_frame_equal(found.cvm, cvm)
        assert list(found.images["machine"]) == ["ART", "ART", "EVO"]

    def test_refuses_landmarks_that_it_has_no_place_for(self, tmp_path):
        points = point_table(["a"], names=("Sella", "Glabella"))
        with pytest.raises(AnnotationError, match=r"29 landmarks and p1, p2; the table has Glabella"):
            write(tmp_path / "out", "aariz", image_table(["a.png"]), points)

    @pytest.mark.parametrize("reader", ["Dr. Who", "../up"])
    def test_refuses_readers_that_are_no_folders(self, tmp_path, reader):
        with pytest.raises(AnnotationError, match="lower-case letters, digits and _"):
            write(tmp_path / "out", "aariz", image_table(["a.png"]), point_table(["a"], [reader]))
        assert [path.name for path in tmp_path.iterdir()] == [".out.lock"]


class TestLabelStudio:
    @pytest.fixture
    def tasks(self, tmp_path):
        points = pd.DataFrame(
            {
                "image_id": "ä b",
                "reader": "stage2_tta",
                "landmark": ["Sella", "Nasion"],
                "x": [-0.5, np.nan],
                "y": [2399.5, np.nan],
            }
        ).assign(sigma_px=[12.0, 12.0])
        write(tmp_path / "out", "label_studio", image_table(["x/ä b+.png"]).assign(image_id="ä b"), points)
        return json.loads((tmp_path / "out/tasks.json").read_text("utf-8"))

    def test_has_what_label_studio_wants(self, tasks):
        (task,) = tasks
        assert task["data"]["image"] == "/data/local-files/?d=x/%C3%A4%20b%2B.png"
        (prediction,) = task["predictions"]
        assert prediction["model_version"] == "stage2_tta"
        (result,) = prediction["result"]
        assert (result["original_width"], result["original_height"], result["image_rotation"]) == (1935, 2400, 0)
        assert (result["from_name"], result["to_name"], result["type"]) == ("landmarks", "image", "keypointlabels")
        assert result["value"] == {"x": 0.0, "y": 100.0, "width": 0.25, "keypointlabels": ["Sella"]}
        assert result["score"] == prediction["score"] == pytest.approx(1 - math.exp(-0.5 * (24 / 12) ** 2))

    def test_interface_names_each_landmark(self, tasks, tmp_path):
        text = (tmp_path / "out/labeling_config.xml").read_text("utf-8")
        assert '<KeyPointLabels name="landmarks" toName="image"' in text
        assert '<Label value="Nasion"/>' in text

    def test_a_persons_points_have_no_score(self, tmp_path):
        write(tmp_path / "out", "label_studio", image_table(["a.png"]), point_table(["a"]))
        assert "score" not in (tmp_path / "out/tasks.json").read_text()

    def test_the_least_certain_images_come_first(self, tmp_path):
        sigma = {"sure": 2.0, "unsure": 30.0, "between": 9.0}
        points = point_table(sigma).pipe(lambda table: table.assign(sigma_px=table["image_id"].map(sigma)))
        write(tmp_path / "out", "label_studio", image_table([f"{name}.png" for name in sigma]), points)
        tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
        assert [task["data"]["image"].rpartition("=")[2] for task in tasks] == ["unsure.png", "between.png", "sure.png"]

    def test_reading_predictions_says_so(self, tmp_path):
        write(tmp_path / "out", "label_studio", image_table(["a.png"]), point_table(["a"]))
        (remark,) = read(tmp_path / "out").quarantine.query("file == 'tasks.json' and item == 'tasks.json'")["reason"]
        assert "predictions without annotations in 1 of 1 tasks" in remark

    @pytest.mark.parametrize(("sigma", "score"), [(math.nan, None), (0.0, 1.0), (20.0, 1 - math.exp(-0.5)), (1e9, 0.0)])
    def test_score_is_the_chance_of_a_small_error(self, sigma, score):
        assert score_of(WrittenPoint(1, 1, sigma), 2000) == (score if score is None else pytest.approx(score))


class TestYolo:
    def test_boxes_and_files_are_what_ultralytics_wants(self, films, tmp_path):
        folder, images = films
        points = point_table(["a"], ["annotator"], ("Sella", "Nasion", "Menton"))
        points[["x", "y"]] = [[193.5, 240], [np.nan, np.nan], [387, 1200]]
        write(tmp_path / "out", "yolo_pose", images, points, films=folder)
        values = (tmp_path / "out/labels/train/a.txt").read_text().split()
        assert [float(value) for value in values] == pytest.approx([0, 0.15, 0.3, 0.1, 0.4, 0.1, 0.1, 2, 0, 0, 0, 0.2, 0.5, 2])
        content = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
        assert (content["train"], content["kpt_shape"], content["flip_idx"]) == ("images/train", [3, 3], [0, 1, 2])
        assert (tmp_path / "out/images/train/a.png").exists()


class TestJson:
    def test_is_a_film_an_object(self, tmp_path):
        points = pd.DataFrame(
            {"image_id": "a", "reader": "stage2", "landmark": ["Sella", "Nasion"], "x": [1.5, np.nan], "y": [2.5, np.nan]}
        ).assign(sigma_px=3.0)
        write(tmp_path / "out", "json", image_table(["a.png"]).assign(pixel_size_mm=np.nan), points)
        (film,) = json.loads((tmp_path / "out/landmarks.json").read_text())
        assert film["points"] == {"stage2": {"Sella": {"x": 1.5, "y": 2.5, "sigma_px": 3.0}, "Nasion": None}}
        assert film["pixel_size_mm"] is None


class TestRefused:
    @pytest.mark.parametrize("format", ["labelme", "yolo_pose"])
    def test_several_readers_in_a_format_for_one(self, format, tmp_path):
        with pytest.raises(AnnotationError, match=r"one reader per image; found senior, junior\. Choose one with"):
            write(tmp_path / "out", format, image_table(["a.png"]), point_table(["a"], ["senior", "junior"]))

    def test_a_table_of_other_images(self, tmp_path):
        with pytest.raises(AnnotationError, match="no image of the images table has a point"):
            write(tmp_path / "out", "coco", image_table(["a.png"]), point_table(["b"]))

    def test_a_path_that_leaves_the_folder(self, tmp_path):
        with pytest.raises(AnnotationError, match="leads out of the folder"):
            write(tmp_path / "out", "labelme", image_table(["../../a.png"]).assign(image_id="a"), point_table(["a"]))
        assert [path.name for path in tmp_path.iterdir()] == [".out.lock"]

    def test_a_folder_that_is_a_loop_of_links(self, tmp_path):
        (tmp_path / "loop").symlink_to("loop")
        with pytest.raises(OSError, match="File exists") as caught:
            write(tmp_path / "loop" / "coco", "coco", image_table(["a.png"]), point_table(["a"]))
        assert "Move the existing file or folder away" in obstruction(caught.value, tmp_path)

    def test_a_film_that_is_not_there(self, tmp_path):
        with pytest.raises(AnnotationError, match=r"a\.png: cannot be copied .*export\.copy_films=false"):
            write(tmp_path / "out", "coco", image_table(["a.png"]), point_table(["a"]), films=tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [".out.lock"]

    def test_an_earlier_export_unless_it_may_be_replaced(self, tmp_path):
        write(tmp_path / "out", "coco", image_table(["a.png"]), point_table(["a"]))
        with pytest.raises(AnnotationError, match=r"export\.overwrite=true"):
            require_free(tmp_path / "out", overwrite=False)
        require_free(tmp_path / "out", overwrite=True)
        require_free(tmp_path / "none", overwrite=False)

    def test_a_folder_or_file_of_somebody_s_own_is_never_replaced(self, tmp_path):
        (tmp_path / "coco").mkdir()
        (tmp_path / "coco/mine.json").write_text("{}")
        for taken in (tmp_path / "coco", tmp_path / "coco/mine.json"):
            with pytest.raises(AnnotationError, match=r"is not an earlier export .* name another one"):
                require_free(taken, overwrite=True)

    @pytest.mark.parametrize(("x", "y"), [(1.0, np.nan), (np.inf, 1.0), (np.nan, 2.0)])
    @pytest.mark.parametrize("format", sorted(WRITERS))
    def test_a_point_that_is_neither_there_nor_missing(self, format, x, y, tmp_path):
        points = pd.DataFrame({"image_id": ["a"], "reader": "r", "landmark": "Sella", "x": [x], "y": [y]})
        with pytest.raises(AnnotationError, match=r"a, Sella of r: x = .*expected two numbers, or none"):
            write(tmp_path / "out", format, image_table(["a.png"]), points)
        assert list(tmp_path.iterdir()) == []

    def test_two_images_with_one_annotation_file(self, tmp_path):
        images = image_table(["a.png", "a.jpg"]).assign(image_id=["a", "b"])
        with pytest.raises(AnnotationError, match=r"same annotation file, 'a\.json'.*export\.copy_films=true"):
            write(tmp_path / "out", "labelme", images, point_table(["a", "b"], ["annotator"]))

    def test_a_reader_that_is_not_in_the_table(self):
        with pytest.raises(AnnotationError, match=r"export\.readers: no points of 'consensus'; the table contains junior"):
            points_of_readers(point_table(["a"], ["senior", "junior"]), ())


def test_a_new_export_takes_the_place_of_the_old_one_whole(tmp_path):
    write(tmp_path / "out", "labelme", image_table(["a.png"]), point_table(["a"]))
    write(tmp_path / "out", "labelme", image_table(["b.png"]), point_table(["b"]))
    assert sorted(path.name for path in tmp_path.rglob("*")) == [MARK, ".out.lock", "b.json", "out"]


def test_an_export_whose_writing_is_killed_at_the_worst_moment_is_back_and_leaves_no_copy(tmp_path):
    program = """
import os, sys
from pathlib import Path
from ceph_pipeline.artifacts import replace_folder, scratch_beside
real, folder = Path.rename, Path(sys.argv[1])
Path.rename = lambda path, target: os._exit(1) if target == folder else real(path, target)
with scratch_beside(folder) as scratch:
    replace_folder(folder, scratch)
"""
    out = tmp_path / "out"
    write(out, "coco", image_table(["a.png"]), point_table(["a"]))
    (out / "corrected.json").write_text("{}")
    assert subprocess.run([sys.executable, "-c", program, str(out)], check=False).returncode == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.filling", ".out.lock", ".out.replaced"]
    with pytest.raises(AnnotationError, match="cannot be copied"):
        write(out, "coco", image_table(["a.png"]), point_table(["a"]), films=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.lock", "out"]
    assert (out / "corrected.json").is_file()


def test_what_an_interruption_between_the_renames_has_moved_away_is_back(tmp_path, monkeypatch):
    out, real = tmp_path / "out", Path.rename

    def interrupted(path, target):
        if path.name.endswith(".filling"):
            raise KeyboardInterrupt
        return real(path, target)

    write(out, "coco", image_table(["a.png"]), point_table(["a"]))
    (out / "corrected.json").write_text("{}")
    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(out, "coco", image_table(["a.png"]), point_table(["a"]))
    assert (out / "corrected.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.lock", "out"]


def test_two_writers_of_one_folder_are_kept_apart(tmp_path):
    with scratch_beside(tmp_path / "out"), pytest.raises(FolderError, match="another run is writing to this folder"):
        write(tmp_path / "out", "coco", image_table(["a.png"]), point_table(["a"]))
    write(tmp_path / "out", "coco", image_table(["a.png"]), point_table(["a"]))


def test_the_last_stage_is_taken_where_none_is_named():
    table = pd.DataFrame({"image_id": "a", "stage": ["stage2", "stage1", "stage1_tta"], "landmark": "Sella", "x": 1.0, "y": 2.0})
    assert list(points_of_predictions(table, ())["reader"]) == ["stage2"]
    assert list(points_of_predictions(table, ("stage1",))["reader"]) == ["stage1"]


def test_a_copied_dicom_film_that_is_called_by_a_number_keeps_its_name(tmp_path):
    images = image_table(["anna/1.2.840.77", "IM0001", "b.DCM"]).assign(image_id=["1.2.840.77", "IM0001", "b"])
    for path in images["path"]:
        (tmp_path / "films" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / path).write_bytes(b"\0" * 128 + b"DICM")
    write(tmp_path / "out", "table", images, point_table(images["image_id"]), films=tmp_path / "films")
    copies = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert copies >= {"1.2.840.77.dcm", "IM0001.dcm", "b.dcm"}
