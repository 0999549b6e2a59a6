"""One loader reads every kind of film to the same grey levels."""

import io
import os
import socket
import struct
import sys
import zlib
from pathlib import Path

import film_samples as samples
import numpy as np
import pytest
from PIL import Image

from ceph_pipeline.images import ImageReadError, decode_image, read_header, read_image

DEEP = ("png", "jp2", "tif", "tif-lzw", "tif-deflate", "tif-packbits", "mha", "dcm")
COLOURS = {
    "png": lambda rgb: samples.pillow(rgb, "PNG"),
    "png-alpha": lambda rgb: samples.pillow(np.dstack([rgb, rgb[..., 0]]), "PNG"),
    "bmp": lambda rgb: samples.pillow(rgb, "BMP"),
    "webp": lambda rgb: samples.pillow(rgb, "WEBP", lossless=True),
    "jp2": lambda rgb: samples.pillow(rgb, "JPEG2000"),
    "tif": lambda rgb: samples.tiff(rgb, photometric="rgb"),
    "tif-planes": lambda rgb: samples.tiff(np.moveaxis(rgb, -1, 0).copy(), photometric="rgb", planarconfig="separate"),
}


@pytest.mark.parametrize("kind", samples.SOUND)
def test_eight_bits_are_read_in_every_kind(kind, tmp_path):
    film = samples.wedge()
    path = samples.write(tmp_path / f"a.{kind.partition('-')[0]}", samples.SOUND[kind](film))
    found = read_image(path)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - film).max() <= (10 if kind.startswith("jpg") else 0)
    assert read_header(path).size == (160, 200)


@pytest.mark.parametrize("kind", DEEP)
def test_sixteen_bits_keep_their_depth(kind):
    film = samples.wedge(np.uint16)
    np.testing.assert_array_equal(decode_image(samples.SOUND[kind](film), kind), film)


@pytest.mark.parametrize("kind", COLOURS)
def test_colours_become_their_luma(kind):
    film = samples.wedge()
    rgb = np.dstack([film, film // 2, film // 3])
    luma = rgb @ (0.299, 0.587, 0.114)
    assert np.abs(decode_image(COLOURS[kind](rgb), kind) - luma).max() <= 1.5


def test_colours_of_sixteen_bits_keep_their_depth():
    film = samples.wedge(np.uint16)
    content = samples.tiff(np.dstack([film] * 3), photometric="rgb")
    np.testing.assert_array_equal(decode_image(content, "a.tif"), film)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
def test_white_is_zero_is_inverted_at_every_depth(dtype, compression):
    film = samples.wedge(dtype)
    negative = np.iinfo(dtype).max - film
    content = samples.tiff(negative, photometric="miniswhite", compression=compression)
    np.testing.assert_array_equal(decode_image(content, "a.tif"), film)


def test_luminance_is_the_grey_of_a_tiff_in_ycbcr():
    rgb = np.repeat(np.arange(0, 240, 10, np.uint8)[None], 24, 0)
    stream = io.BytesIO()
    Image.fromarray(np.dstack([rgb] * 3)).convert("YCbCr").save(stream, "tiff", compression="raw")
    np.testing.assert_allclose(decode_image(stream.getvalue(), "a.tif"), rgb, atol=1)


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_tiff_of_fewer_bits_is_spread_over_eight(bits, photometric):
    levels = 2**bits
    rows = np.tile(np.arange(levels, dtype=np.uint8).repeat(64 // levels), (64, 1))
    packed = np.packbits(np.unpackbits(rows[..., None], axis=2)[..., 8 - bits :].reshape(64, -1), axis=1)
    found = decode_image(packed_tiff(packed, bits, white_is_zero=photometric == "miniswhite"), "a.tif")
    black_first = found if photometric == "minisblack" else 255 - found
    assert found.dtype == np.uint8
    assert np.unique(black_first[5]).tolist() == [round(255 * level / (levels - 1)) for level in range(levels)]
    np.testing.assert_array_equal(np.argsort(black_first[5], kind="stable"), np.arange(64))


def packed_tiff(packed: np.ndarray, bits: int, *, white_is_zero: bool) -> bytes:
    """A TIFF of 64 columns, one strip, whose levels share bytes."""
    tags = {256: 64, 257: 64, 258: bits, 259: 1, 262: 0 if white_is_zero else 1, 273: 200, 277: 1, 278: 64, 279: packed.nbytes}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    return head.ljust(200, b"\0") + packed.tobytes()


def test_the_suffix_does_not_decide(tmp_path):
    film = samples.wedge()
    np.testing.assert_array_equal(read_image(samples.write(tmp_path / "a.jpg", samples.SOUND["png"](film))), film)


@pytest.mark.parametrize("kind", samples.SOUND)
def test_bytes_behind_the_end_of_a_sound_film_are_no_damage(kind):
    film, content = samples.wedge(), samples.SOUND[kind](samples.wedge())
    found = decode_image(content + b"\r\n--boundary--" + bytes(3000), kind)
    assert np.abs(found.astype(int) - film).max() <= 10


def jpeg_2000_dicom(codestream: bytes, syntax: str = "1.2.840.10008.1.2.4.90") -> bytes:
    """A film whose compressed pixels are these bytes."""
    from pydicom import dcmread
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    dataset = dcmread(io.BytesIO(samples.dicom(samples.wedge())))
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.PixelData = encapsulate([codestream])
    dataset["PixelData"].VR = "OB"
    stream = io.BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


class TestDicom:
    def test_compressed_pixels_are_read(self):
        content = jpeg_2000_dicom(samples.SOUND["jp2"](samples.wedge()))
        np.testing.assert_array_equal(
            decode_image(content, "a.dcm"), decode_image(samples.SOUND["jp2"](samples.wedge()), "a.jp2")
        )

    def test_damaged_compressed_pixels_are_no_reason_to_install_a_decoder(self):
        with pytest.raises(ImageReadError, match=r"^a\.dcm: damaged or truncated") as raised:
            decode_image(jpeg_2000_dicom(b"no JPEG 2000"), "a.dcm")
        assert "install" not in str(raised.value)

    def test_a_missing_decoder_is_named_with_the_extra_that_has_it(self, monkeypatch):
        from pydicom.pixels.decoders.base import Decoder

        monkeypatch.setattr(Decoder, "is_available", False)
        with pytest.raises(ImageReadError, match=r"a\.dcm: no decoder for JPEG 2000 .* is installed; install the extra `dicom`"):
            decode_image(jpeg_2000_dicom(samples.SOUND["jp2"](samples.wedge())), "a.dcm")

    def test_a_film_of_moving_pictures_is_refused_by_its_syntax(self):
        with pytest.raises(ImageReadError, match=r"a\.dcm: pixels in MPEG-4 .* which is not supported; save the file"):
            decode_image(jpeg_2000_dicom(b"moving", "1.2.840.10008.1.2.4.102"), "a.dcm")

    def test_monochrome1_is_inverted(self):
        film = samples.wedge()
        np.testing.assert_array_equal(decode_image(samples.dicom(255 - film, photometric="MONOCHROME1"), "a.dcm"), film)

    def test_the_window_counts_and_is_spread_over_the_depth(self):
        film = np.tile(np.arange(0, 4096, 16, dtype=np.uint16), (64, 1))
        found = decode_image(samples.dicom(film, BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=1024), "a.dcm")
        assert (found[0, 0], found[0, -1]) == (0, 65535)
        assert found[0, 128] == pytest.approx(65535 / 2, rel=0.01)
        assert np.unique(found[film < 1500]).tolist() == [0]

    def test_rescaling_comes_before_the_window(self):
        film = np.tile(np.arange(0, 4096, 16, dtype=np.uint16), (64, 1))
        attributes = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": 0.5, "RescaleIntercept": 100, "WindowWidth": 512}
        found = decode_image(samples.dicom(film, **attributes, WindowCenter=100 + 0.5 * 2048), "a.dcm")
        assert found[0, 128] == pytest.approx(65535 / 2, rel=0.01)
        assert np.unique(found[film < 1500]).tolist() == [0]

    @pytest.mark.parametrize(
        ("attributes", "spacing", "source"),
        [
            ({"PixelSpacing": [0.11, 0.1], "ImagerPixelSpacing": [0.12, 0.12]}, (0.1, 0.11), "dicom_pixel_spacing"),
            ({"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "dicom_imager_pixel_spacing"),
            (
                {"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"},
                (0.1, 0.1),
                "dicom_pixel_spacing",
            ),
            ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "dicom_imager_pixel_spacing"),
            ({"NominalScannedPixelSpacing": [0.08, 0.08]}, (0.08, 0.08), "dicom_nominal_scanned_pixel_spacing"),
            ({"PixelSpacing": [0, 0]}, None, None),
            ({}, None, None),
        ],
    )
    def test_spacing_says_where_it_comes_from(self, tmp_path, attributes, spacing, source):
        header = read_header(samples.write(tmp_path / "a.dcm", samples.dicom(samples.wedge(), **attributes)))
        assert (header.spacing_mm, header.spacing_source) == (spacing, source)

    def test_a_missing_pixel_is_an_error_that_names_no_patient(self):
        content = samples.dicom(samples.wedge(), PixelData=samples.wedge().tobytes()[:-2000])
        with pytest.raises(ImageReadError, match=r"a\.dcm") as refusal:
            decode_image(content, "a.dcm")
        assert "Mustermann" not in str(refusal.value)

    @pytest.mark.parametrize(
        ("attributes", "message"),
        [
            ({"WindowCenter": 60000, "WindowWidth": 10}, "its window leaves one grey level of 45 to 240"),
            ({"RescaleSlope": 0, "RescaleIntercept": 0}, "its rescale slope leaves one grey level of 45 to 240"),
        ],
    )
    def test_what_would_be_one_black_area_is_refused(self, attributes, message):
        with pytest.raises(ImageReadError, match=message):
            decode_image(samples.dicom(samples.wedge(), **attributes), "a.dcm")

    def test_several_frames_are_refused(self):
        film = samples.wedge()
        with pytest.raises(ImageReadError, match="2 frames in one file"):
            decode_image(samples.dicom(film, NumberOfFrames=2, PixelData=film.tobytes() * 2), "a.dcm")


class TestResolution:
    @pytest.mark.parametrize(("dpi", "spacing"), [(254, 0.1), (300, 25.4 / 300), (72, None), (96, None), (5, None)])
    def test_a_believable_one_is_a_spacing(self, tmp_path, dpi, spacing):
        film = samples.wedge()
        contents = {
            "a.png": samples.pillow(film, "PNG", dpi=(dpi, dpi)),
            "a.jpg": samples.pillow(film, "JPEG", dpi=(dpi, dpi)),
            "a.tif": samples.tiff(film, resolution=(dpi, dpi), resolutionunit="inch"),
            "b.tif": samples.tiff(film, resolution=(dpi / 2.54, dpi / 2.54), resolutionunit="centimeter"),
        }
        for name, content in contents.items():
            found = read_header(samples.write(tmp_path / name, content)).spacing_mm
            assert found is None if spacing is None else found == pytest.approx((spacing, spacing), rel=1e-3)


class TestRefused:
    @pytest.mark.parametrize("kind", ["png", "bmp", "tif", "mha", "dcm"])
    @pytest.mark.parametrize("size", [(1, 1), (2000, 1), (1, 2000), (900, 20)])
    def test_what_is_no_film_s_shape(self, tmp_path, kind, size):
        path = samples.write(tmp_path / f"a.{kind}", samples.SOUND[kind](np.full(size[::-1], 7, np.uint8)))
        for read in (read_header, read_image):
            with pytest.raises(ImageReadError, match=rf"a\.{kind}.* {size[0]} × {size[1]} pixels, which is no film"):
                read(path)

    def test_twenty_thousand_pixels_square_before_they_are_decoded(self, tmp_path):
        side = 20_000
        packed = zlib.compress(bytes(side), 9)
        contents = {
            "a.mha": samples.metaimage(np.zeros((4, 4), np.uint8), extra="CompressedData = True\n", data=packed).replace(
                b"DimSize = 4 4", b"DimSize = 20000 20000"
            ),
            "a.dcm": samples.dicom(np.zeros((4, 4), np.uint8), Rows=side, Columns=side),
            "a.bmp": samples.SOUND["bmp"](np.zeros((4, 4), np.uint8)).replace(
                (4).to_bytes(4, "little") * 2, side.to_bytes(4, "little") * 2
            ),
        }
        for name, content in contents.items():
            with pytest.raises(ImageReadError, match=r"20000 × 20000 pixels, but the limit is|far more pixels than"):
                read_image(samples.write(tmp_path / name, content))

    def test_a_deflated_bomb_in_a_small_metaimage(self):
        film = samples.wedge()
        bomb = zlib.compress(bytes(50_000_000), 9)
        with pytest.raises(ImageReadError, match="do not have the length in the header"):
            decode_image(samples.metaimage(film, extra="CompressedData = True\n", data=bomb), "a.mha")

    def test_a_metaimage_that_names_another_file(self, tmp_path):
        secret = samples.write(tmp_path / "secret.raw", bytes(32_000))
        content = samples.metaimage(samples.wedge()).replace(b"LOCAL", str(secret).encode())
        with pytest.raises(ImageReadError, match="expected LOCAL"):
            decode_image(content, "a.mha")

    def test_several_pages_of_one_tiff(self):
        film = samples.wedge()
        with pytest.raises(ImageReadError, match="2 pages in one file"):
            decode_image(samples.tiff(np.stack([film, film]), photometric="minisblack"), "a.tif")

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
    def test_pipes_sockets_devices_and_folders_do_not_hang(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.png")
        (tmp_path / "folder.png").mkdir()
        (tmp_path / "device.png").symlink_to("/dev/zero")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "socket.png"))
            for name in ("pipe", "folder", "device", "socket"):
                for read in (read_header, read_image):
                    with pytest.raises(ImageReadError, match=f"a {name}, not a file"):
                        read(tmp_path / f"{name}.png")

    def test_a_name_with_a_null_character(self):
        with pytest.raises(ImageReadError, match="cannot be opened"):
            read_image(Path("a\0.png"))
