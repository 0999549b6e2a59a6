"""DICOM by pydicom: one frame, its grey levels as a viewer shows them, and its pixel spacing.

Levels go the standard's way: modality LUT or rescale slope and intercept, then the first VOI LUT or window, then inversion of
MONOCHROME1 (or of presentation shape INVERSE). What comes out is spread over 16 bits, or 8 where 8 are stored. Of the data
set only the attributes named here are parsed, so that nothing of the patient is ever held.

Spacing: `PixelSpacing` counts where it is there and differs from `ImagerPixelSpacing` or says how it was calibrated; else
`ImagerPixelSpacing`, measured in the detector's plane; else `NominalScannedPixelSpacing`, measured on the scanned film. Lengths
by either of the last two are those of the head's magnified shadow.

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
"""What may be there and empty, which is as if it were absent."""
_INVERTED = "MONOCHROME1"


def dicom_header(stream: BinaryIO) -> ImageHeader:
    """The header of a DICOM file of one frame.

    Raises:
        ImageReadError: no image, several frames, or pydicom is not installed.
        Exception: whatever pydicom raises for a damaged header.
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
        ImageReadError: damaged, too large, or compressed in a way for which no decoder is installed.
        Exception: whatever pydicom and its decoders raise for damage.
    """
    with _dataset(stream, [*_FACTS, *_PIXELS], stop_before_pixels=False) as dataset:
        require_readable_size(int(dataset.Columns), int(dataset.Rows), name)
        if not dataset.get("PixelData"):
            raise ImageReadError(f"{name}: no pixels in it, such as a report or a presentation of another file; remove it")
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
    """The frame's values, from those bits of its words that hold them, which some devices put at the top."""
    from pydicom.uid import RLELossless

    allocated, stored = int(dataset.BitsAllocated), int(dataset.BitsStored)
    high = int(dataset.get("HighBit") or 0)
    syntax = dataset.file_meta.TransferSyntaxUID
    has_words = not syntax.is_encapsulated or syntax == RLELossless
    if not (has_words and stored <= high < allocated):
        return cast("NDArray[Any]", dataset.pixel_array)
    dataset.pixel_array_options(correct_unused_bits=False)  # pydicom takes the lowest bits for the used ones
    words: NDArray[Any] = dataset.pixel_array
    return (words << (allocated - 1 - high)) >> (allocated - stored)


def _as_shown(pixels: NDArray[Any], dataset: Dataset) -> GreyImage:
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    for name in _LEVELS:
        if name in dataset and dataset[name].is_empty:
            del dataset[name]
    if "WindowWidth" in dataset and not _is_window(dataset):
        del dataset.WindowWidth  # the film is shown whole, as without a window
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
            "save it from a viewer in which it is seen, or as png"
        )
    return cast("GreyImage", shown_levels)


def _widen_lut(item: Dataset) -> None:
    """Store a lookup table of 8 bits with 16: pydicom indexes it with numbers of the entries' size, of which 256 wraps to 0."""
    entries, first, depth = item.LUTDescriptor
    if depth != 8:
        return
    data, count = item.LUTData, entries or 1 << 16
    if not isinstance(data, bytes):
        data = np.asarray(data, np.uint16).astype("<u2").tobytes()
    levels = np.frombuffer(data, np.uint8 if len(data) < 2 * count else "<u2")[:count]  # one or two bytes an entry
    item.LUTDescriptor = [entries, first, 16]
    item.add_new("LUTData", "US", levels.tolist())


def _window_range(dataset: Dataset, levels: NDArray[np.float64]) -> tuple[float, float]:
    """The range that pydicom's windows fill: that of the stored values after rescaling; of a VOI LUT the levels' own."""
    return (float(levels.min()), float(levels.max())) if "VOILUTSequence" in dataset else _stored_range(dataset, levels)


def _is_turned_by_window(dataset: Dataset) -> bool:
    """Whether pydicom's window has made black of white: of a falling rescale slope it fills the range from its upper end."""
    windowed = "WindowWidth" in dataset and "VOILUTSequence" not in dataset
    return windowed and "RescaleIntercept" in dataset and float(dataset.get("RescaleSlope") or 1) < 0


def _stored_range(dataset: Dataset, levels: NDArray[np.float64]) -> tuple[float, float]:
    """Least and greatest value that the stored bits can hold, after rescaling, and that there is, so that none is cut.

    Of a modality LUT, and of more than 16 bits, of which a film has a small part, the levels' own.
    """
    own = float(levels.min()), float(levels.max())
    if "ModalityLUTSequence" in dataset or int(dataset.BitsStored) > 16:
        return own
    bits, signed = int(dataset.BitsStored), int(dataset.PixelRepresentation)
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    is_rescaled = "RescaleSlope" in dataset and "RescaleIntercept" in dataset  # one alone rescales nothing
    slope, intercept = (float(dataset.RescaleSlope), float(dataset.RescaleIntercept)) if is_rescaled else (1.0, 0.0)
    rescaled = [slope * end + intercept for end in ends]
    return min(*rescaled, own[0]), max(*rescaled, own[1])


def _is_window(dataset: Dataset) -> bool:
    """Whether the first window is one: a width of 0, or without a centre, is what devices write that have none."""
    try:
        width, center = (float(np.atleast_1d(dataset.get(name))[0]) for name in ("WindowWidth", "WindowCenter"))
    except (TypeError, ValueError, IndexError):
        return False
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    return function in _FUNCTIONS and math.isfinite(center) and math.isfinite(width) and width >= _FUNCTIONS[function]


_FUNCTIONS = {"LINEAR": 1.0, "LINEAR_EXACT": 1e-9, "SIGMOID": 1e-9}
"""Least width of a window by its function."""


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
        from pydicom.filereader import read_file_meta_info  # noqa: F401 the import proves a whole installation
    except ModuleNotFoundError:
        raise ImageReadError(f"DICOM needs pydicom; {install_hint('dicom')}") from None
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # it logs what it warns of, and tracebacks of what it raises
    with no_warnings, _no_validation:  # they quote values, which may be the patient's
        dataset = dcmread(stream, specific_tags=tags, stop_before_pixels=stop_before_pixels)
        if dataset.file_meta.get("TransferSyntaxUID") == _DEFLATED:
            raise ImageReadError("a deflated data set; save it uncompressed, or with JPEG, JPEG 2000 or RLE")
        _require_one_frame(dataset)
        yield dataset


def _require_decoder(dataset: Dataset, name: str) -> None:
    from pydicom.pixels import get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise ImageReadError(f"{name}: pixels in {syntax.name}, which is not read; save it uncompressed") from None
    if not decoder.is_available:
        raise ImageReadError(f"{name}: no decoder of {syntax.name} is installed; {install_hint('dicom')}")


def _require_whole_frame(dataset: Dataset, name: str) -> None:
    """Refuse a compressed frame with a hole, which pydicom's decoders fill and mention at most."""
    from pydicom.encaps import get_frame
    from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGBaseline8Bit, JPEGExtended12Bit

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in (JPEG2000, JPEG2000Lossless):
        require_no_hole(get_frame(dataset.PixelData, 0, number_of_frames=1), "jpeg2000", name)
    elif syntax in (JPEGBaseline8Bit, JPEGExtended12Bit) and int(dataset.BitsStored) <= 8:
        decode_raster(get_frame(dataset.PixelData, 0, number_of_frames=1), "jpeg", name)


def _require_one_frame(dataset: Dataset) -> None:
    if missing := [name for name in ("Rows", "Columns", "BitsStored", "PhotometricInterpretation") if dataset.get(name) is None]:
        raise ImageReadError(f"no image: {missing[0]} is missing")
    if (frames := int(dataset.get("NumberOfFrames") or 1)) > 1:
        raise ImageReadError(f"{frames} frames in one file; one film a file is read")


def _is_inverted(dataset: Dataset) -> bool:
    """MONOCHROME1, or a monochrome image whose presentation is inverse; the standard's two ways to say the same."""
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
    """(x, y) mm of an attribute, which has that between rows (y) first; None for none, 0 and nonsense."""
    try:
        y, x = (float(value) for value in dataset.get(name))
    except (TypeError, ValueError):
        x = y = math.nan
    return believable(x, y)
