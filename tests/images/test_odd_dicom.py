"""DICOM files as devices and archives leave them: windows that are none, half a rescaling, a falling one, 32 bits, no pixels."""

import io
import logging
from pathlib import Path

import cv2
import film_samples as samples
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ceph_pipeline.images import ImageReadError, decode_image, read_image

pydicom = pytest.importorskip("pydicom")

RAMP = np.tile(np.linspace(0, 4095, 64), (80, 1)).astype(np.uint16)
TWELVE = {"BitsStored": 12, "HighBit": 11}


@pytest.fixture
def film(tmp_path):
    def write(image: np.ndarray = RAMP, **attributes: object) -> Path:
        return samples.write(tmp_path / "film.dcm", samples.dicom(image, **(TWELVE | attributes)))

    return write


def as_jpeg(content: bytes, jpeg: bytes, syntax: str = "JPEGBaseline8Bit") -> bytes:
    """The DICOM file with its pixels as that JPEG."""
    from pydicom import uid
    from pydicom.encaps import encapsulate

    dataset = pydicom.dcmread(io.BytesIO(content))
    dataset.file_meta.TransferSyntaxUID = getattr(uid, syntax)
    dataset.PixelData = encapsulate([jpeg])
    dataset["PixelData"].is_undefined_length = True
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def is_whole_ramp(image: np.ndarray) -> bool:
    """Whether grey rises from black to white with no level cut off."""
    line = image[0].astype(int)
    return bool(line[0] == 0 and line[-1] == np.iinfo(image.dtype).max and (np.diff(line) > 0).all())


@pytest.mark.parametrize(
    "window",
    [
        {"WindowWidth": "0", "WindowCenter": "2000"},
        {"WindowWidth": "-5", "WindowCenter": "2000"},
        {"WindowWidth": "4000"},
        {"WindowWidth": "", "WindowCenter": ""},
        {"WindowWidth": "4000", "WindowCenter": "2000", "VOILUTFunction": "OWN"},
    ],
    ids=["width 0", "negative", "no centre", "empty", "function"],
)
def test_a_window_that_is_none_is_passed_over(film, window):
    assert is_whole_ramp(read_image(film(**window)))


@pytest.mark.parametrize(
    "empty",
    [
        {"RescaleSlope": None, "RescaleIntercept": None},
        {"RescaleSlope": "", "RescaleIntercept": "-1000"},
        {"RescaleSlope": "2", "RescaleIntercept": ""},
        {"VOILUTFunction": ""},
        {"ModalityLUTSequence": []},
    ],
    ids=["rescaling", "slope", "intercept", "function", "modality LUT"],
)
def test_what_is_there_and_empty_is_as_if_it_were_absent(film, empty):
    window = {"WindowWidth": "2000", "WindowCenter": "2048"}
    np.testing.assert_array_equal(read_image(film(**window, **empty)), read_image(film(**window)))
    assert is_whole_ramp(read_image(film(**empty)))


def test_a_rescaling_by_an_intercept_of_zero_is_one(film):
    rescaled = read_image(film(RescaleSlope="0.5", RescaleIntercept="0", WindowWidth="1000", WindowCenter="1024"))
    plain = read_image(film(WindowWidth="2000", WindowCenter="2048"))
    assert_allclose(rescaled.astype(int), plain, atol=65)


def test_one_half_of_a_rescaling_rescales_nothing(film):
    assert is_whole_ramp(read_image(film(RescaleIntercept="-1000")))


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"WindowWidth": "4096", "WindowCenter": "2048"},
        {"WindowWidth": "500", "WindowCenter": "1000"},
        {"WindowWidth": "1000", "WindowCenter": "3000", "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowWidth": "1500", "WindowCenter": "1000", "VOILUTFunction": "SIGMOID"},
    ],
    ids=["no window", "full window", "narrow window", "exact window", "sigmoid"],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_film_stored_upside_down_with_a_falling_slope_is_the_film(film, photometric, window):
    plain = read_image(film(photometric=photometric, **window))
    falling = {"RescaleSlope": "-1", "RescaleIntercept": "4095"}
    fallen = read_image(film(4095 - RAMP, photometric=photometric, **falling, **window))

    assert np.ptp(plain) > 0.9 * np.iinfo(plain.dtype).max
    assert_allclose(fallen.astype(int), plain, atol=1)


def test_a_full_window_of_a_falling_slope_changes_nothing(film):
    falling = {"RescaleSlope": "-1", "RescaleIntercept": "4095"}
    without = read_image(film(**falling))
    windowed = read_image(film(**falling, WindowWidth="4096", WindowCenter="2048"))

    assert without[0, 0] == 65535
    assert_allclose(windowed.astype(int), without, atol=1)


@pytest.mark.parametrize("high", [11, 13, 15])
@pytest.mark.parametrize("signed", [False, True])
def test_bits_may_lie_anywhere_in_their_words(film, high, signed):
    """Of signed values the words' sign is the stored bits' own; what lies outside them is not the film's."""
    values = RAMP.astype(np.int16) - 2048 if signed else RAMP
    words = (values.view(np.uint16) & 0xFFF) << (high - 11)
    above = np.uint16(0xFFFF << (high + 1) & 0xFFFF)
    image = read_image(film(words | (above & 0x8000), BitsStored=12, HighBit=high, PixelRepresentation=int(signed)))
    assert_allclose(image[0], RAMP[0].astype(int) * 65535 / 4095, atol=1)


@pytest.mark.parametrize("form", ["US", "OW", "packed"])
def test_a_voi_lut_of_8_bits_on_12_bit_values_is_applied_over_their_whole_range(film, form):
    table = np.arange(4096) // 16
    item = pydicom.Dataset()
    item.LUTDescriptor = [4096, 0, 8]
    data = table.astype(np.uint8).tobytes() if form == "packed" else table.astype("<u2").tobytes()
    item.add_new("LUTData", "US" if form == "US" else "OW", table.tolist() if form == "US" else data)
    image = read_image(film(VOILUTSequence=[item]))
    assert_allclose(image[0], table[RAMP[0]] * 65535 / 255, atol=1)


def test_an_empty_voi_lut_sequence_is_none(film):
    """Its window, of a falling slope, is then the film's own."""
    falling = {"RescaleSlope": "-1", "RescaleIntercept": "4095", "WindowWidth": "4096", "WindowCenter": "2048"}
    without, empty = read_image(film(**falling)), read_image(film(**falling, VOILUTSequence=[]))
    assert without[0, 0] == 65535
    np.testing.assert_array_equal(empty, without)


def test_of_32_bits_the_part_that_is_used_is_spread(film):
    assert is_whole_ramp(read_image(film(RAMP.astype(np.uint32) * 1000, BitsStored=32, HighBit=31)))


@pytest.mark.parametrize("pixels", [b"", None])
def test_a_file_without_pixels_is_named_as_that(film, tmp_path, pixels):
    dataset = pydicom.dcmread(film())
    if pixels is None:
        del dataset.PixelData
    else:
        dataset.PixelData = pixels
    dataset.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    with pytest.raises(ImageReadError, match=r"report\.dcm: no pixels"):
        read_image(tmp_path / "report.dcm")


def test_a_jpeg_with_a_hole_is_refused_inside_dicom_as_outside(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (80, 64), dtype=np.uint8)
    jpeg = cv2.imencode(".jpg", noise)[1].tobytes()
    plain = samples.dicom(noise)
    whole = samples.write(tmp_path / "whole.dcm", as_jpeg(plain, jpeg))
    assert np.abs(read_image(whole).astype(int) - cv2.imdecode(np.frombuffer(jpeg, np.uint8), 0)).max() <= 1
    spoilt = samples.write(tmp_path / "spoilt.dcm", as_jpeg(plain, jpeg[: len(jpeg) // 2] + b"\xff\xd9"))
    with pytest.raises(ImageReadError, match=r"spoilt\.dcm: damaged or truncated \(Corrupt JPEG data"):
        read_image(spoilt)


def test_a_jpeg_2000_with_a_hole_is_refused_inside_dicom_as_outside(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (80, 64), dtype=np.uint8)
    stream, plain = samples.pillow(noise, "JPEG2000", no_jp2=True), samples.dicom(noise)
    whole = samples.write(tmp_path / "whole.dcm", as_jpeg(plain, stream, "JPEG2000Lossless"))
    assert np.array_equal(read_image(whole), noise)
    hole = stream[:1500] + bytes(2048) + stream[3548:]
    spoilt = samples.write(tmp_path / "spoilt.dcm", as_jpeg(plain, hole, "JPEG2000Lossless"))
    with pytest.raises(ImageReadError, match=r"spoilt\.dcm: damaged, with a long run of zeros"):
        read_image(spoilt)


def test_pydicom_s_own_lines_on_a_damaged_film_reach_no_log(film, caplog):
    broken = as_jpeg(film().read_bytes(), bytes([1, 0, 0, 0]) + bytes(60) + b"junk", "RLELossless")
    with caplog.at_level(logging.DEBUG), pytest.raises(ImageReadError):
        decode_image(broken, "film.dcm")
    assert not [record for record in caplog.records if record.name.startswith("pydicom")]
