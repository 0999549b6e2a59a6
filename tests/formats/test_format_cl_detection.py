"""CL-Detection 2023 and 2024: numbers that continue ISBI 2015's, and images counted from 0 or from 1."""

import json

import cv2
import numpy as np
import pytest

from ceph_pipeline.formats import AnnotationError, read
from ceph_pipeline.formats.cl_detection import unpack_stack
from ceph_pipeline.landmarks import SCHEMAS

SIZE = (120, 100)


def point(number, image=1, **extra):
    return {"name": number, "point": [2 * number, number * number % 90, image], "scale": "0.1"} | extra


def picture(path, level=9):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(SIZE[::-1], level, np.uint8))


@pytest.fixture
def truth(tmp_path):
    def write(points, *images):
        (tmp_path / "train-gt.json").write_text(json.dumps({"name": "Orthodontic landmarks", "points": points}))
        for image in images:
            picture(tmp_path / "images" / image)
        return tmp_path

    return write


ALL = [point(number) for number in range(1, 39)]


class TestTheJSONFileOf2023:
    def test_the_first_19_points_are_isbi_2015_s(self, truth):
        found = read(truth(ALL, "0.bmp"))
        assert list(found.landmarks["landmark"]) == list(SCHEMAS["cl_detection2023"].names)
        assert list(found.landmarks["landmark"])[:19] == list(SCHEMAS["isbi2015"].names)
        assert found.landmarks["x"].tolist() == [2 * number for number in range(1, 39)]
        assert found.images["pixel_size_mm"][0] == 0.1

    @pytest.mark.parametrize(("files", "image_id"), [(("0.bmp", "1.bmp"), "1"), (("1.bmp", "2.bmp"), "2")])
    def test_the_files_say_whether_they_count_from_0(self, truth, files, image_id):
        points = [point(number, image=2) for number in range(1, 39)]
        assert list(read(truth(points, *files)).images["image_id"]) == [image_id]

    def test_names_and_scales_may_be_text_or_numbers_and_a_scale_may_be_absent(self, truth):
        mixed = [
            point(number) | ({"name": str(number), "scale": 0.1} if number % 2 else {"scale": None}) for number in range(1, 39)
        ]
        found = read(truth(mixed, "0.bmp"))
        assert found.images["pixel_size_mm"][0] == 0.1
        assert found.landmarks["x"].notna().all()

    @pytest.mark.parametrize("scale", ["0", 0, "", None])
    def test_a_scale_of_0_is_unknown(self, truth, scale):
        assert np.isnan(read(truth([entry | {"scale": scale} for entry in ALL], "0.bmp")).images["pixel_size_mm"][0])

    def test_two_scales_in_one_image_are_none(self, truth):
        found = read(truth([*ALL[:-1], point(38, scale="0.2")], "0.bmp"))
        assert np.isnan(found.images["pixel_size_mm"][0])
        assert "0.1, 0.2 in one image" in " ".join(found.quarantine["reason"])

    def test_a_number_twice_and_another_absent_is_no_right_count(self, truth):
        with pytest.raises(AnnotationError, match="'7': found a second key point"):
            read(truth([*ALL[:-1], point(7)], "0.bmp"))

    @pytest.mark.parametrize(("wrong", "message"), [(point(39), "point 39"), (point(1, image=0), "number of the image, from 1")])
    def test_numbers_out_of_range_are_refused(self, truth, wrong, message):
        with pytest.raises(AnnotationError, match=message):
            read(truth([*ALL, wrong], "0.bmp"))


class TestTheStack:
    def test_it_is_unpacked_without_its_padding(self, truth, tmp_path):
        sitk = pytest.importorskip("SimpleITK")
        stack = np.zeros((2, 100, 120, 3), np.uint8)
        stack[0, :90, :110] = 50
        stack[1, :100, :80] = 70
        sitk.WriteImage(sitk.GetImageFromArray(stack, isVector=True), str(tmp_path / "train_stack.mha"), useCompression=True)
        root = truth([*ALL, *(point(number, image=2) for number in range(1, 39))])
        with pytest.raises(AnnotationError, match=r"all images in one stack.*unpack_stack"):
            read(root)
        unpack_stack(root / "train_stack.mha", root / "images")
        found = read(root, on_bad_item="quarantine").images.set_index("image_id")
        assert found[["width", "height"]].to_numpy().tolist() == [[110, 90], [80, 100]]
        assert (cv2.imread(str(root / "images/1.png"), cv2.IMREAD_GRAYSCALE) == 70).all()
        picture(root / "images" / "2.png")
        with pytest.raises(AnnotationError, match=r"images: the folder contains 2\.png, which is not part of this stack"):
            unpack_stack(root / "train_stack.mha", root / "images")

    @pytest.mark.parametrize("data", ["LOCAL", "/etc/passwd", "../pixels.raw"])
    def test_what_is_no_stack_or_leads_to_another_file_is_refused(self, tmp_path, data):
        pytest.importorskip("SimpleITK")
        (tmp_path / "a.mha").write_text(f"ObjectType = Image\nNDims = 3\nElementDataFile = {data}\n")
        with pytest.raises(AnnotationError, match=r"a\.mha: no \.mha stack"):
            unpack_stack(tmp_path / "a.mha", tmp_path / "out")


class TestSheets:
    @pytest.mark.parametrize(
        ("count", "image", "size"),
        [(38, "file", "scale"), (53, "image file", "spacing(mm)"), (53, "image path", "spacing(mm)")],
    )
    def test_the_number_of_points_tells_the_year(self, tmp_path, count, image, size):
        picture(tmp_path / "001.bmp")
        header = [image, size, *(f"p{number}{axis}" for number in range(1, count + 1) for axis in "xy")]
        row = ["/data/challenge/images/001.bmp", 0.1, *(number % 90 for number in range(2 * count))]
        (tmp_path / "valid.csv").write_text(",".join(header) + "\n" + ",".join(map(str, row)) + "\n")
        found = read(tmp_path)
        year = 2023 if count == 38 else 2024
        assert list(found.landmarks["landmark"]) == list(SCHEMAS[f"cl_detection{year}"].names)
        assert found.images[["dataset", "split", "pixel_size_mm"]].to_numpy().tolist() == [[f"cl_detection{year}", "valid", 0.1]]
