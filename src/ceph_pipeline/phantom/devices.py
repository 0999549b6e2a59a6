"""Simulated cephalostats with the size, sharpness and contrast of their images."""

from dataclasses import dataclass
from typing import Literal

from ceph_pipeline.landmarks.geometry import Size

FileFormat = Literal["png", "jpg", "bmp"]
Border = Literal["none", "film", "collimated", "tabs"]


@dataclass(frozen=True)
class Device:
    """One make of cephalostat.

    Sizes and positions of the skull are medians of the Aariz data set. The pixel sizes are not from that data set, whose values
    are wrong for four of the seven devices. They are derived from a mean S–N of 72 mm, and are exact for every phantom.

    Attributes:
        machine: Name in the mapping file.
        share: Share of all images.
        width_px: Native width.
        height_px: Native height.
        pixel_size_mm: Pixel size of a native image.
        centroid: Position of the landmarks' centroid, as a fraction of width and height.
        centroid_sd: Standard deviation of this position.
        format: File format.
        blur_mm: Standard deviation of the point spread.
        grain: Standard deviation of the noise at mid grey, in grey levels.
        latitude: Attenuation, in mm of water, that reduces the difference to white by the factor e.
        gamma: Steepness of the film's toe.
        fog: Grey level without attenuation.
        border: Kind of frame of the image.
    """

    machine: str
    share: float
    width_px: int
    height_px: int
    pixel_size_mm: float
    centroid: tuple[float, float]
    centroid_sd: tuple[float, float]
    format: FileFormat
    blur_mm: float
    grain: float
    latitude: float
    gamma: float
    fog: float
    border: Border

    def frame(self, long_side_px: int | None) -> tuple[Size, float]:
        """(width, height) in pixels and pixel size in mm of images with this long side; None: the native long side."""
        if long_side_px is None:
            return (self.width_px, self.height_px), self.pixel_size_mm
        factor = long_side_px / max(self.width_px, self.height_px)
        return (round(self.width_px * factor), round(self.height_px * factor)), round(self.pixel_size_mm / factor, 4)

    def border_px(self, size: Size) -> int:
        """Width of the frame at the left and right of an image of this (width, height); 0 without a frame."""
        return border_width_px(size) if self.border in ("film", "collimated") else 0


def border_width_px(size: Size) -> int:
    """Width of a frame around an image of this (width, height)."""
    return max(2, round(0.008 * max(size)))


DEVICES = (
    Device("ART Plus", 0.366, 1970, 2225, 0.0993, (0.576, 0.573), (0.030, 0.024), "png", 0.17, 3.2, 84.0, 1.45, 12, "none"),
    Device("Hyperion X5", 0.143, 912, 952, 0.2159, (0.562, 0.630), (0.030, 0.024), "bmp", 0.20, 2.6, 80.0, 1.6, 4, "collimated"),
    Device("ProMax 2D", 0.041, 2091, 1592, 0.1405, (0.686, 0.570), (0.030, 0.022), "jpg", 0.19, 3.6, 94.0, 1.25, 22, "film"),
    Device(
        "ProMax with ProTouch", 0.135, 2092, 1937, 0.1280, (0.714, 0.614), (0.022, 0.028), "jpg", 0.18, 3.4, 80.0, 1.5, 8, "none"
    ),
    Device("Rotograph EVO", 0.079, 2198, 2719, 0.0833, (0.572, 0.561), (0.022, 0.025), "bmp", 0.16, 4.4, 98.0, 1.2, 28, "tabs"),
    Device("Smart3D", 0.059, 959, 1198, 0.2507, (0.659, 0.576), (0.026, 0.012), "jpg", 0.22, 2.4, 78.0, 1.6, 3, "collimated"),
    Device(
        "Veraviewepocs 2D", 0.177, 959, 1198, 0.2294, (0.618, 0.551), (0.030, 0.026), "jpg", 0.21, 3.0, 88.0, 1.35, 16, "tabs"
    ),
)
"""Formats and shares follow the Aariz data set."""
