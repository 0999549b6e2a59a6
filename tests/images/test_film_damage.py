"""A damaged film is an error, never grey filler, and never an error of another library."""

import io
import struct

import film_samples as samples
import numpy as np
import pytest
import tifffile

from ceph_pipeline.images import ImageReadError, decode_image

CHECKED = ("png", "jpg", "tif-lzw", "tif-deflate")
"""Kinds in which a hole or noise is always noticed."""


def film() -> np.ndarray:
    return samples.wedge(size=(240, 300))


@pytest.mark.parametrize("share", [0.58, 0.65])
@pytest.mark.parametrize("kind", ["jpg", "jpg-progressive"])
def test_a_jpeg_with_lost_pixels_and_an_end_marker_is_refused(kind, share):
    content = samples.SOUND[kind](film())
    with pytest.raises(ImageReadError, match="damaged or truncated"):
        decode_image(content[: int(len(content) * share)] + b"\xff\xd9", "a.jpg")


@pytest.mark.parametrize("how", ["cut", "cut with end marker", "hole", "small hole", "noise"])
@pytest.mark.parametrize("kind", CHECKED)
def test_damage_is_noticed(kind, how):
    content = samples.SOUND[kind](film())
    for seed in range(10):
        with pytest.raises(ImageReadError, match=r"a: "):
            decode_image(samples.damage(content, how, kind, seed), "a")


@pytest.mark.parametrize("kind", ["tif", "bmp", "mha", "dcm", "webp", "jp2", "tif-packbits"])
def test_a_film_cut_off_is_refused_in_every_kind(kind):
    content = samples.SOUND[kind](film())
    for seed in range(10):
        with pytest.raises(ImageReadError, match=r"a: "):
            decode_image(samples.damage(content, "cut", kind, seed), "a")


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 80}], ids=str)
def test_a_hole_in_a_webp_is_refused(options):
    refuses_holes(samples.pillow(grain(), "WEBP", **options))


@pytest.mark.parametrize("options", [{}, {"quality_layers": [20, 5]}, {"tile_size": (256, 256)}], ids=str)
def test_a_hole_in_a_jpeg_2000_is_refused(options):
    refuses_holes(samples.pillow(grain(), "JPEG2000", **options))


def grain() -> np.ndarray:
    return np.random.default_rng(0).normal(128, 20, (600, 500)).clip(0, 255).astype(np.uint8)


def refuses_holes(content: bytes) -> None:
    """Wherever they are; zeros before the pixels or after their end are none."""
    assert np.array_equal(decode_image(content + bytes(4096), "a"), decode_image(content, "a"))
    for start in np.linspace(len(content) * 0.05, len(content) - 5000, 6).astype(int).tolist():
        with pytest.raises(ImageReadError, match="a: damaged"):
            decode_image(content[:start] + bytes(4096) + content[start + 4096 :], "a")


def test_a_black_film_has_no_hole():
    black = np.zeros((3000, 2500), np.uint8)
    for kind in ("WEBP", "JPEG2000"):
        assert not decode_image(samples.pillow(black, kind), "a").any()


def test_a_tiff_without_one_of_its_strips_is_refused():
    content = samples.tiff(film(), compression="lzw", rowsperstrip=16)
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        tag = file.pages.first.tags["StripByteCounts"]
    broken = bytearray(content)
    width = tag.valuebytecount // tag.count
    broken[tag.valueoffset + 3 * width : tag.valueoffset + 4 * width] = bytes(width)
    with pytest.raises(ImageReadError, match="strips of pixels are missing"):
        decode_image(bytes(broken), "a.tif")


@pytest.mark.parametrize("kind", samples.SOUND)
def test_a_sound_film_with_bytes_after_its_end_is_read(kind):
    content = samples.SOUND[kind](film())
    found = decode_image(samples.damage(content, "bytes after the end", kind, 0), "a")
    assert np.array_equal(found, decode_image(content, "a"))


def outcome(kind: str, how: str, seed: int) -> str:
    """What becomes of a damaged film: `refused`, `same` pixels or `other` ones; any error but ours comes out."""
    content = samples.SOUND[kind](film())
    try:
        found = decode_image(samples.damage(content, how, kind, seed), "a")
    except ImageReadError as error:
        assert str(error).startswith("a: ")  # noqa: PT017 either outcome is right
        return "refused"
    return "same" if np.array_equal(found, decode_image(content, "a")) else "other"


@pytest.mark.slow
def test_two_thousand_damaged_films_end_in_no_error_but_ours():
    cases = [(kind, how, seed) for seed in range(21) for kind in samples.SOUND for how in samples.DAMAGES]
    assert len(cases) >= 2000
    found = {case: outcome(*case) for case in cases}
    for (kind, how, _), result in found.items():
        if how in ("cut", "cut with end marker", "cut header") or (kind in CHECKED and how != "flipped bits"):
            assert result == ("same" if how == "bytes after the end" else "refused")
        assert (result == "same") == (how == "bytes after the end")


def test_opencv_s_own_lines_on_a_damaged_film_reach_no_terminal(capfd):
    palette = b"".join(bytes([level, level, level, 0]) for level in range(256))
    runs = bytes([20, 7]) * 3  # 60 pixels of 40 x 40, and no end
    header = struct.pack("<IiiHHIIiiII", 40, 40, 40, 1, 8, 1, len(runs), 0, 0, 256, 256)
    film = b"BM" + struct.pack("<IHHI", 1078 + len(runs), 0, 0, 1078) + header + palette + runs
    with pytest.raises(ImageReadError, match="damaged or truncated"):
        decode_image(film, "film.bmp")
    assert capfd.readouterr().err == ""
