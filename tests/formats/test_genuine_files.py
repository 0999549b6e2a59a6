"""Genuine files of every kind: set `CEPH_FORMATS` and `CEPH_LABEL_STUDIO` to the folders that hold them."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from ceph_pipeline.formats import AnnotationError, ReadOptions, TableOptions, read
from ceph_pipeline.formats.cl_detection import unpack_stack

FORMATS = Path(os.environ.get("CEPH_FORMATS", "absent"))
LABEL_STUDIO = Path(os.environ.get("CEPH_LABEL_STUDIO", "absent"))

needs_formats = pytest.mark.skipif(not FORMATS.is_dir(), reason="CEPH_FORMATS names no folder")
needs_label_studio = pytest.mark.skipif(not LABEL_STUDIO.is_dir(), reason="CEPH_LABEL_STUDIO names no folder")


def points(found, image_id):
    rows = found.landmarks[found.landmarks["image_id"] == image_id]
    return rows[["x", "y"]].dropna().to_numpy()


@pytest.fixture
def with_images(tmp_path):
    """Copy a file or folder and put blank images of a size beside it."""

    def copy(source, *images, size=(3000, 3000)):
        target = tmp_path / "set"
        if (FORMATS / source).is_dir():
            shutil.copytree(FORMATS / source, target)
        else:
            target.mkdir()
            shutil.copy(FORMATS / source, target)
        (target / "images").mkdir(exist_ok=True)
        for image in images:
            cv2.imwrite(str(target / "images" / image), np.zeros(size[::-1], np.uint8))
        return target

    return copy


@needs_formats
class TestRead:
    def test_labelme_has_one_point_among_other_shapes(self):
        found = read(FORMATS / "labelme/labelme_primitives.json")
        assert points(found, "labelme_primitives").shape == (1, 2)
        assert "2 rectangle" in found.quarantine["reason"][0]

    def test_cl_detection_2023(self, with_images):
        found = read(with_images("cl_detection/expected_output_2023.json", "0.bmp", "1.bmp"))
        assert points(found, "0").shape == points(found, "1").shape == (38, 2)
        assert points(found, "0")[0] == pytest.approx([831.445, 993.75], abs=1e-3)
        assert found.images["pixel_size_mm"].isna().all()

    def test_cl_detection_2024(self, with_images):
        found = read(with_images("made/cl2024_labels_like.csv", "001.bmp"))
        assert points(found, "001").shape == (53, 2)
        assert points(found, "001")[0].tolist() == [100, 200]
        assert "equidistant points of" in " ".join(found.quarantine["reason"])

    def test_the_stack_loses_its_padding(self, tmp_path):
        pytest.importorskip("SimpleITK", reason="an extra")
        written = unpack_stack(FORMATS / "made/cl2023_stack_tiny.mha", tmp_path)
        sizes = {cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).shape for path in written}
        assert len(written) == 3
        assert all(height <= 29 and width <= 29 for height, width in sizes)

    def test_roboflow(self):
        found = read(FORMATS / "coco/roboflow_keypoints_excerpt.json")
        assert len(found.images) == 3
        assert points(found, "out8_frame_0029").shape == (18, 2)
        assert points(found, "out8_frame_0029")[0].tolist() == [2028.823, 994.706]

    def test_cvat_s_coco_has_points_that_are_missing_in_spite_of_x_and_y(self):
        found = read(FORMATS / "coco/cvat_person_keypoints_v0_with_xy.json")
        assert points(found, "train_01").shape == (15, 2)
        assert points(found, "train_01")[0].tolist() == [273.43, 213.31]

    def test_datumaro_s_second_category_has_no_names(self):
        found = read(FORMATS / "coco/datumaro_person_keypoints_val.json", on_bad_item="quarantine")
        assert points(found, "b").tolist() == [[1, 2], [3, 4], [2, 3]]
        assert "a number without a name" in found.quarantine["reason"][0]

    @pytest.mark.parametrize("place", ["sdk_converted/JSON", "sdk_converted/JSON_MIN", "sdk_converted/CSV"])
    def test_label_studio_s_own_conversions_agree(self, place):
        found = read(FORMATS / "label_studio" / place)
        assert len(found.images) == 4
        # percent count from the image's edge: half a pixel less than percent times size
        assert points(found, "cks2ip8fq2a0j0yufdfssbc09")[0] == pytest.approx([1427.745 - 0.5, 120.091 - 0.5], abs=1e-3)

    def test_label_studio_s_coco_is_rounded(self):
        found = read(FORMATS / "label_studio/sdk_converted/COCO")
        assert points(found, "cks2ip8fq2a0j0yufdfssbc09")[0].tolist() == [1428, 120]

    @pytest.mark.parametrize("place", ["sdk_data_keypoints.json", "sdk_converted/sdk_person_JSON_MIN"])
    def test_label_studio_s_key_points_before_their_rectangle(self, place):
        found = read(FORMATS / "label_studio" / place)
        assert points(found, "image1").shape == (3, 2)
        assert points(found, "image1")[0] == pytest.approx([139.2 - 0.5, 68.37 - 0.5], abs=5e-3)
        assert not found.landmarks["reader"].str.contains("@").any()

    def test_label_studio_s_coco_and_yolo_of_a_person(self, with_images):
        assert points(read(FORMATS / "label_studio/sdk_converted/sdk_person_COCO"), "image1")[0].tolist() == [139, 68]
        found = read(with_images("label_studio/sdk_converted/sdk_person_YOLO", "image1.jpg", size=(216, 174)))
        assert points(found, "image1")[0] == pytest.approx([139.2, 68.37], abs=5e-3)
        assert len(points(found, "image1")) == 3

    def test_label_studio_s_other_controls_are_passed_over(self):
        assert len(read(FORMATS / "label_studio/sdk_coco_data.json").landmarks) == 2

    def test_yolo_pose_of_cephalograms_has_numbers_for_which_the_user_has_names(self, with_images):
        films = ("004_decoded_from_cache.png", "085_decoded_from_cache.png")
        root = with_images("yolo_pose/ceph19", *films, size=(1935, 2400))
        with pytest.raises(AnnotationError, match="a number without a name"):
            read(root)
        found = read(root, options=ReadOptions(landmarks="isbi2015"))
        assert points(found, "004_decoded_from_cache").shape == (19, 2)
        assert points(found, "004_decoded_from_cache")[0] == pytest.approx([875.0, 1076.9], abs=0.05)

    def test_yolo_pose_with_two_classes(self, with_images):
        films = ("IMG_20231113_115448_218.jpg", "IMG_20231113_120234_188.jpg")
        root = with_images("yolo_pose/pen_multiclass", *films, size=(3000, 4000))
        names = tuple(f"slot {number}" for number in range(1, 11))
        found = read(root, options=ReadOptions(landmarks=names), on_bad_item="quarantine")
        first = found.landmarks[found.landmarks["image_id"] == "IMG_20231113_115448_218"].set_index("landmark")
        assert first.loc["slot 5", "x"] == pytest.approx(0.63866666 * 3000, abs=1e-2)
        assert first["x"].notna().sum() == 7
        assert found.quarantine["reason"].str.contains("a second key point").any()

    @pytest.mark.parametrize("folder", ["datumaro_2val", "datumaro_3val"])
    def test_yolo_pose_with_two_and_three_values(self, with_images, folder):
        """The points are relative; films of 10 px, as in the sample, are refused."""
        found = read(
            with_images(f"yolo_pose/{folder}", "1.jpg", size=(100, 100)), options=ReadOptions(landmarks=("S", "N", "Or"))
        )
        assert points(found, "1") == pytest.approx(10 * np.array([[1, 2], [3, 4], [5, 6]]))

    def test_cvat_with_one_label_has_an_order_for_which_the_user_has_names(self):
        file = FORMATS / "cvat/points_one_label_images.xml"
        with pytest.raises(AnnotationError, match="a number without a name"):
            read(file)
        found = read(file, options=ReadOptions(landmarks=tuple(f"point {number}" for number in range(15))))
        assert len(found.images) == 15
        assert points(found, "1").shape == (15, 2)
        assert points(found, "1")[0].tolist() == [1579.99, 2153.33]

    def test_cvat_with_numbered_skeletons_and_several_points_in_a_shape(self):
        file = FORMATS / "cvat/datumaro_for_images_train.xml"
        with pytest.raises(AnnotationError, match="'label2': found a second key point"):
            read(file)
        found = read(file, options=ReadOptions(landmarks=("a", "b", "c", "d")), on_bad_item="quarantine")
        assert points(found, "img0").tolist() == [[2, 2], [3, 3], [4, 4]]
        assert found.landmarks[found.landmarks["image_id"] == "img0"].set_index("landmark").isna().loc["a", "x"]

    def test_isbi_2015_as_a_sheet(self, with_images):
        found = read(
            with_images("isbi_variants/csv_19pts_fullres.csv", *(f"{n:03}.jpg" for n in (17, 33, 52, 93, 121)), size=(1935, 2400))
        )
        assert points(found, "017").shape == (19, 2)
        assert points(found, "017")[0].tolist() == [806, 1028]

    def test_isbi_2015_s_text_without_class_lines(self, with_images):
        root = with_images("isbi_variants/txt_short_001.txt")
        (root / "AnnotationsByMD/400_senior").mkdir(parents=True)
        (root / "txt_short_001.txt").rename(root / "AnnotationsByMD/400_senior/001.txt")
        (root / "TrainingData").mkdir()
        cv2.imwrite(str(root / "TrainingData/001.bmp"), np.zeros((2400, 1935), np.uint8))
        assert points(read(root), "001")[0].tolist() == [835, 996]

    def test_a_sheet_with_y_upwards(self, tmp_path):
        shutil.copy(FORMATS / "morphometrics/mlmorph_example.csv", tmp_path)
        shutil.copy(FORMATS / "morphometrics/63001.jpg", tmp_path)
        table = TableOptions(image="id", x="X{landmark}", y="Y{landmark}", y_up=True)
        options = ReadOptions(table=table, landmarks=tuple(f"wing {number}" for number in range(1, 13)))
        found = read(tmp_path, options=options, on_bad_item="quarantine")
        assert points(found, "63001").shape == (12, 2)
        assert points(found, "63001")[0].tolist() == [290, 372]
        assert found.quarantine["reason"].str.contains("size: found neither").sum() == 57


REFUSED = {
    "coco/cvat_images_without_annotations.json": "no annotation with key points",
    "cvat/datumaro_for_video.xml": "Export as 'CVAT for images 1.1'",
    "yolo_pose/ceph19/val.cache": "a pickle",
    "isbi_variants/labelled_space_txt_image1.txt": "on a line are placeholders",
    "isbi_variants/txt_short_001.txt": "as in ISBI 2015",
    "made/cephadoadu_like_0001.txt": "as in CephAdoAdu",
    "made/cl2023_stack_tiny.mha": "unpack_stack",
    "other_sets/aaof/CASEBolton__CASEBolton_B0113_Tables.csv": "shapes without an image",
    "other_sets/aaof/Mathews__UOPMathews_001_Tables.csv": "shapes without an image",
    "other_sets/aaof/UTBurlington__UTBurlington_114_Tables.csv": "shapes without an image",
    "other_sets/ruler_points_anon.json": "without their distance in millimetres",
    "other_sets/wceph/index.json": "a WebCeph workspace",
    "via/via1_annotation.csv": "a VGG Image Annotator project",
    "via/via1_annotation.json": "a VGG Image Annotator project",
    "dicom/pydicom-data_RG1_J2KI.dcm": "a DICOM image without points",
    "morphometrics/mlmorph_example.tps": "a tps file",
    "morphometrics/mlmorph_example.csv": "a sheet with the columns 'id'",
    "morphometrics/slicer_knee_xray_F.fcsv": "RAS flips both axes",
    "morphometrics/slicer_A_J.mrk.json": "RAS flips both axes",
    "morphometrics/afids_infinite_coord.fcsv": "RAS flips both axes",
    "imagej/multipoint.roi": "an ImageJ region",
    "imagej/multipoint.json": "an ImageJ region",
}


@needs_formats
@pytest.mark.parametrize("file", REFUSED)
def test_refused_with_a_reason(file):
    with pytest.raises(AnnotationError, match=REFUSED[file]):
        read(FORMATS / file)


@needs_formats
def test_no_file_ends_in_another_error():
    files = [path for path in sorted(FORMATS.rglob("*")) if path.is_file()]
    assert files
    for file in files:
        try:
            read(file, on_bad_item="quarantine")
        except AnnotationError as error:
            assert str(file.name) in str(error) or str(file) in str(error)  # noqa: PT017 each of many files


@needs_label_studio
class TestRulerMarks:
    def test_every_pair_of_the_full_export(self):
        found = read(next(LABEL_STUDIO.glob("project-6-*.json")))
        pairs = found.landmarks.dropna().groupby("image_id")["landmark"].agg(set)
        assert pairs.tolist() == [{"p1", "p2"}] * 18

    def test_a_point_that_no_schema_has(self):
        found = read(next(LABEL_STUDIO.glob("project-1-*.json")))
        assert set(found.landmarks["landmark"]) == {"PT"}
        assert len(found.images) == 18

    def test_every_pair_of_the_simplified_list(self, tmp_path):
        import json

        export = LABEL_STUDIO / "annotations_p1_p2.json"
        with pytest.raises(AnnotationError, match="300 bad items"):
            read(export)
        for task in json.loads(export.read_text()):
            cv2.imwrite(str(tmp_path / Path(task["data"]["image"]).name), np.zeros((1000, 1000), np.uint8))
        found = read(export, images=tmp_path)
        pairs = found.landmarks.dropna().groupby("image_id")["landmark"].agg(set)
        assert pairs.tolist() == [{"p1", "p2"}] * 300
