import cv2
import numpy as np
import pytest
from PIL import Image

from ceph_pipeline.images import ImageReadError, RawFolder, decode_image, encode_image, header, read_header, read_image


@pytest.fixture
def film():
    """A grey wedge with some grain, 8 bits."""
    grain = np.random.default_rng(0).integers(0, 20, (60, 80))
    return (np.linspace(0, 200, 80)[None] + grain).astype(np.uint8)


@pytest.fixture
def write(tmp_path):
    def to(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return to


class TestReadable:
    @pytest.mark.parametrize("suffix", [".png", ".bmp"])
    def test_lossless_formats_keep_every_pixel(self, film, write, suffix):
        np.testing.assert_array_equal(read_image(write(f"a{suffix}", encode_image(film, suffix))), film)

    def test_jpeg_stays_within_a_few_grey_levels(self, film, write):
        loaded = read_image(write("a.jpg", encode_image(film, ".jpg", quality=95)))
        assert np.abs(loaded.astype(int) - film).mean() < 3

    def test_sixteen_bits_survive_in_png(self, write):
        deep = np.arange(4800, dtype=np.uint16).reshape(60, 80) * 13
        np.testing.assert_array_equal(read_image(write("a.png", encode_image(deep, ".png"))), deep)

    def test_colour_files_become_grey(self, film, write):
        content = cv2.imencode(".png", np.dstack([film] * 3))[1].tobytes()
        np.testing.assert_array_equal(read_image(write("a.png", content)), film)

    def test_size_comes_from_the_header_as_width_and_height(self, film, write):
        assert read_header(write("a.png", encode_image(film, ".png"))).size == (80, 60)


class TestUnreadable:
    def test_a_missing_file(self, tmp_path):
        with pytest.raises(ImageReadError, match=r"absent\.png: no such image file"):
            read_image(tmp_path / "absent.png")

    def test_text_in_an_image_s_name(self, write):
        with pytest.raises(ImageReadError, match=r"a\.png: damaged or not an image"):
            read_image(write("a.png", b"<html>404</html>"))

    @pytest.mark.parametrize("suffix", [".png", ".jpg"])
    def test_a_file_cut_off_is_refused_instead_of_filled_with_grey(self, film, write, suffix):
        content = encode_image(film, suffix)
        with pytest.raises(ImageReadError, match="truncated"):
            read_image(write(f"a{suffix}", content[: len(content) * 3 // 4]))

    def test_more_pixels_than_the_limit(self, film, write, monkeypatch):
        monkeypatch.setattr(header, "MAX_PIXELS", 4000)
        with pytest.raises(ImageReadError, match="80 × 60 pixels, but the limit is 4,000"):
            read_header(write("a.png", encode_image(film, ".png")))

    def test_a_decompression_bomb(self, film, write, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        with pytest.raises(ImageReadError, match="far more pixels than the limit of 100,000,000"):
            read_header(write("a.png", encode_image(film, ".png")))

    def test_bytes_that_are_no_image(self):
        for content in (b"", b"not an image"):
            with pytest.raises(ImageReadError, match=r"upload\.png: damaged or not an image"):
                decode_image(content, "upload.png")

    def test_pixels_that_are_neither_8_nor_16_bits(self, film):
        content = cv2.imencode(".tiff", film.astype(np.float32))[1].tobytes()
        with pytest.raises(ImageReadError, match="pixels are float32"):
            decode_image(content, "a.tiff")

    def test_sixteen_bits_in_a_format_of_eight(self):
        with pytest.raises(ValueError, match="require png, not \\.jpg"):
            encode_image(np.zeros((4, 4), np.uint16), ".jpg")

    def test_an_unknown_format_to_write(self, film):
        with pytest.raises((ValueError, cv2.error)):
            encode_image(film, ".xyz")


class TestRawFolder:
    def test_images_are_read_by_their_path_in_the_table(self, film, tmp_path):
        (tmp_path / "train").mkdir()
        (tmp_path / "train" / "a.png").write_bytes(encode_image(film, ".png"))

        np.testing.assert_array_equal(RawFolder(tmp_path, "aariz").read("train/a.png"), film)

    @pytest.mark.parametrize("path", ["../outside.png", "/etc/hostname", "train/../../outside.png"])
    def test_a_path_may_not_leave_the_folder(self, tmp_path, path):
        with pytest.raises(ValueError, match="leads out of the raw folder"):
            RawFolder(tmp_path, "aariz").read(path)
