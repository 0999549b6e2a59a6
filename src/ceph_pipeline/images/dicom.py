"""DICOM by pydicom: one frame, with the grey levels that a viewer displays, and its pixel spacing.

Levels are transformed as in the standard: modality LUT or rescale slope and intercept, then the first VOI LUT or window, then
inversion for MONOCHROME1 (or presentation shape INVERSE). The result is scaled to 16 bits, or to 8 bits if up to 8 are stored.
Only the attributes listed here are parsed, so that no data of the patient are read.

The spacing is taken from the first of these attributes:

1. `PixelSpacing`, if it differs from `ImagerPixelSpacing` or has a calibration type,
2. `ImagerPixelSpacing`, measured in the detector's plane,
3. `NominalScannedPixelSpacing`, measured on the scanned film.

Lengths computed from the last two include the projection's magnification of the skull.

Source: DICOM PS3.3 C.7.6.3, C.8.11.3, C.11.1, C.11.2 and 10.7.1.3.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.errors import install_hint
from ceph_pipeline.images.errors import ImageReadError
from ceph_pipeline.images.grey import GreyImage, to_grey
from ceph_pipeline.images.header import ImageHeader, SpacingSource, believable, require_readable_size
from ceph_pipeline.images.raster import decode_raster, require_no_hole
from ceph_pipeline.images.shared_context import SharedContext, no_warnings

if TYPE_CHECKING:
    from pydicom import Dataset

_DEFLATED = "1.2.840.10008.1.2.1.99"
_FACTS = [
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation",
    "PixelSpacing", "PixelSpacingCalibrationType", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    "ModalityLUTSequence", "RescaleIntercept", "RescaleSlope", "VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction",
    "PresentationLUTShape",
]  # fmt: skip
_PIXELS = ["PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"]
_LEVELS = ["ModalityLUTSequence", "RescaleIntercept", "RescaleSlope", "VOILUTSequence", "VOILUTFunction"]
"""Attributes that are treated as absent if they are empty."""
_INVERTED = "MONOCHROME1"


def dicom_header(stream: BinaryIO) -> ImageHeader:
    """The header of a DICOM file of one frame.

    Raises:
        ImageReadError: not an image, several frames, or pydicom is not installed.
        Exception: any error of pydicom for a damaged header.
    """
    with _dataset(stream, _FACTS, stop_before_pixels=True) as dataset:
        spacing, source = _spacing(dataset)
        return ImageHeader(
            kind="dicom",
            stored_size=(int(dataset.Columns), int(dataset.Rows)),
            bits=int(dataset.BitsStored),
            white_is_zero=_is_inverted(dataset),
            spacing_mm=spacing,
            spacing_source=source,
        )


def decode_dicom(stream: BinaryIO, name: str) -> GreyImage:
    """The frame as grey `(height, width)`, 0 black.

    Raises:
        ImageReadError: damaged, too large, or no decoder for the compression is installed.
        Exception: any error of pydicom and its decoders for damaged files.
    """
    with _dataset(stream, [*_FACTS, *_PIXELS], stop_before_pixels=False) as dataset:
        require_readable_size(int(dataset.Columns), int(dataset.Rows), name)
        if not dataset.get("PixelData"):
            raise ImageReadError(f"{name}: no pixels; the file may be a report or a presentation state. Remove the file")
        _require_decoder(dataset, name)
        _require_whole_frame(dataset, name)
        pixels = _stored_values(dataset)
        if dataset.SamplesPerPixel > 1:
            return to_grey(pixels, name)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            from pydicom.pixels import apply_color_lut

            return to_grey(apply_color_lut(pixels, dataset), name)
        return _as_shown(pixels, dataset)


def _stored_values(dataset: Dataset) -> NDArray[Any]:
    """The frame's values, extracted from the used bits of each word, which are the highest bits on some devices."""
    from pydicom.uid import RLELossless

    allocated, stored = int(dataset.BitsAllocated), int(dataset.BitsStored)
    high = int(dataset.get("HighBit") or 0)
    syntax = dataset.file_meta.TransferSyntaxUID
    has_words = not syntax.is_encapsulated or syntax == RLELossless
    if not (has_words and stored <= high < allocated):
        return cast("NDArray[Any]", dataset.pixel_array)
    dataset.pixel_array_options(correct_unused_bits=False)  # pydicom assumes that the lowest bits are used
    words: NDArray[Any] = dataset.pixel_array
    return (words << (allocated - 1 - high)) >> (allocated - stored)


def _as_shown(pixels: NDArray[Any], dataset: Dataset) -> GreyImage:
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    for name in _LEVELS:
        if name in dataset and dataset[name].is_empty:
            del dataset[name]
    if "WindowWidth" in dataset and not _is_window(dataset):
        del dataset.WindowWidth  # an invalid window is treated as absent
    for item in dataset.get("VOILUTSequence") or ():
        _widen_lut(item)
    values = apply_modality_lut(pixels, dataset)
    levels = np.asarray(apply_voi_lut(values, dataset), np.float64)
    shown = "VOILUTSequence" in dataset or "WindowWidth" in dataset
    low, high = _window_range(dataset, levels) if shown else _stored_range(dataset, levels)
    scaled = np.clip((levels - low) / max(high - low, 1e-12), 0, 1)
    if _is_inverted(dataset) != _is_turned_by_window(dataset):
        scaled = 1 - scaled
    depth = np.uint8 if int(dataset.BitsStored) <= 8 else np.uint16
    shown_levels = np.rint(scaled * np.iinfo(depth).max).astype(depth)
    if np.ptp(shown_levels) == 0 < np.ptp(pixels):
        raise ImageReadError(
            f"its {'window' if shown else 'rescale slope'} leaves one grey level of {int(pixels.min())} to {int(pixels.max())}: "
            "save the file from a viewer that displays it, or as png"
        )
    return cast("GreyImage", shown_levels)


def _widen_lut(item: Dataset) -> None:
    """Store an 8-bit lookup table with 16 bits, because pydicom's index has the depth of the entries, so that 256 wraps to 0."""
    entries, first, depth = item.LUTDescriptor
    if depth != 8:
        return
    data, count = item.LUTData, entries or 1 << 16
    if not isinstance(data, bytes):
        data = np.asarray(data, np.uint16).astype("<u2").tobytes()
    levels = np.frombuffer(data, np.uint8 if len(data) < 2 * count else "<u2")[:count]  # one or two bytes per entry
    item.LUTDescriptor = [entries, first, 16]
    item.add_new("LUTData", "US", levels.tolist())


def _window_range(dataset: Dataset, levels: NDArray[np.float64]) -> tuple[float, float]:
    """Output range of pydicom's windows: the range of stored values after rescaling; for a VOI LUT, the range of levels."""
    return (float(levels.min()), float(levels.max())) if "VOILUTSequence" in dataset else _stored_range(dataset, levels)


def _is_turned_by_window(dataset: Dataset) -> bool:
    """Whether pydicom's window has inverted the levels: with a negative rescale slope, its output starts at the upper end."""
    windowed = "WindowWidth" in dataset and "VOILUTSequence" not in dataset
    return windowed and "RescaleIntercept" in dataset and float(dataset.get("RescaleSlope") or 1) < 0


def _stored_range(dataset: Dataset, levels: NDArray[np.float64]) -> tuple[float, float]:
    """Range after rescaling of all values that the stored bits can represent, extended to the actual values to avoid clipping.

    For a modality LUT, and for more than 16 bits, of which films use only a small part, it is the range of the actual levels.
    """
    own = float(levels.min()), float(levels.max())
    if "ModalityLUTSequence" in dataset or int(dataset.BitsStored) > 16:
        return own
    bits, signed = int(dataset.BitsStored), int(dataset.PixelRepresentation)
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    is_rescaled = "RescaleSlope" in dataset and "RescaleIntercept" in dataset  # only one of the two has no effect
    slope, intercept = (float(dataset.RescaleSlope), float(dataset.RescaleIntercept)) if is_rescaled else (1.0, 0.0)
    rescaled = [slope * end + intercept for end in ends]
    return min(*rescaled, own[0]), max(*rescaled, own[1])


def _is_window(dataset: Dataset) -> bool:
    """Whether the first window is valid; some devices write a width of 0 or no centre if there is no window."""
    try:
        width, center = (float(np.atleast_1d(dataset.get(name))[0]) for name in ("WindowWidth", "WindowCenter"))
    except (TypeError, ValueError, IndexError):
        return False
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    return function in _FUNCTIONS and math.isfinite(center) and math.isfinite(width) and width >= _FUNCTIONS[function]


_FUNCTIONS = {"LINEAR": 1.0, "LINEAR_EXACT": 1e-9, "SIGMOID": 1e-9}
"""Least width of a window, by its function."""


@contextmanager
def _disable_validation() -> Iterator[None]:
    from pydicom import config

    with config.disable_value_validation():
        yield


_no_validation = SharedContext(_disable_validation)


@contextmanager
def _dataset(stream: BinaryIO, tags: list[str], *, stop_before_pixels: bool) -> Iterator[Dataset]:
    try:
        from pydicom import dcmread
        from pydicom.filereader import read_file_meta_info  # noqa: F401 the import checks for a complete installation
    except ModuleNotFoundError:
        raise ImageReadError(f"DICOM requires pydicom; {install_hint('dicom')}") from None
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its log contains warnings and tracebacks
    with no_warnings, _no_validation:  # warnings and validation errors can quote data of the patient
        dataset = dcmread(stream, specific_tags=tags, stop_before_pixels=stop_before_pixels)
        if dataset.file_meta.get("TransferSyntaxUID") == _DEFLATED:
            raise ImageReadError("a deflated data set; save the file uncompressed, or with JPEG, JPEG 2000 or RLE")
        _require_one_frame(dataset)
        yield dataset


def _require_decoder(dataset: Dataset, name: str) -> None:
    from pydicom.pixels import get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise ImageReadError(f"{name}: pixels in {syntax.name}, which is not supported; save the file uncompressed") from None
    if not decoder.is_available:
        raise ImageReadError(f"{name}: no decoder for {syntax.name} is installed; {install_hint('dicom')}")


def _require_whole_frame(dataset: Dataset, name: str) -> None:
    """Reject a damaged compressed frame, which pydicom's decoders fill with at most a warning."""
    from pydicom.encaps import get_frame
    from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGBaseline8Bit, JPEGExtended12Bit

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in (JPEG2000, JPEG2000Lossless):
        require_no_hole(get_frame(dataset.PixelData, 0, number_of_frames=1), "jpeg2000", name)
    elif syntax in (JPEGBaseline8Bit, JPEGExtended12Bit) and int(dataset.BitsStored) <= 8:
        decode_raster(get_frame(dataset.PixelData, 0, number_of_frames=1), "jpeg", name)


def _require_one_frame(dataset: Dataset) -> None:
    if missing := [name for name in ("Rows", "Columns", "BitsStored", "PhotometricInterpretation") if dataset.get(name) is None]:
        raise ImageReadError(f"not an image: {missing[0]} is missing")
    if (frames := int(dataset.get("NumberOfFrames") or 1)) > 1:
        raise ImageReadError(f"{frames} frames in one file, expected one film per file")


def _is_inverted(dataset: Dataset) -> bool:
    """Whether 0 is white: MONOCHROME1, or MONOCHROME2 with the presentation shape INVERSE."""
    shape = dataset.get("PresentationLUTShape")
    photometric = dataset.PhotometricInterpretation
    return bool(photometric == _INVERTED or (photometric == "MONOCHROME2" and shape == "INVERSE"))


def _spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, SpacingSource | None]:
    calibrated, imager = _pair(dataset, "PixelSpacing"), _pair(dataset, "ImagerPixelSpacing")
    if calibrated and (calibrated != imager or dataset.get("PixelSpacingCalibrationType")):
        return calibrated, "dicom_pixel_spacing"
    if imager:
        return imager, "dicom_imager_pixel_spacing"
    scanned = _pair(dataset, "NominalScannedPixelSpacing")
    return scanned, "dicom_nominal_scanned_pixel_spacing" if scanned else None


def _pair(dataset: Dataset, name: str) -> tuple[float, float] | None:
    """(x, y) in mm of an attribute, whose first value is the distance between rows (y); None if absent, 0 or implausible."""
    try:
        y, x = (float(value) for value in dataset.get(name))
    except (TypeError, ValueError):
        x = y = math.nan
    return believable(x, y)
