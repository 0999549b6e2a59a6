"""One phantom before it is drawn: whose face, which device, where in the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks.geometry import Affine, Size
from ceph_pipeline.phantom.structures.soft_tissue import skin_outline
from ceph_pipeline.phantom.devices import DEVICES, Device
from ceph_pipeline.phantom.face import Build, Face, Point
from ceph_pipeline.phantom.shape import shape_model

RULER_MM = 10.0
"""True distance from p1 to p2."""

_CVM_SHARES = (0.10, 0.12, 0.13, 0.22, 0.25, 0.18)
"""CS1 to CS6; flatter than in the Aariz data set, where CS1 to CS3 together are 12 %, so that small sets show every stage."""

_MARGIN_MM = 7.0
"""Every landmark is at least this far inside the picture."""

_TILT_SD_DEG = 3.0
_EXPOSURE_SD = 0.08
_RULER_SPOT = (0.786, 0.054)
"""p2's usual place in the Aariz data set, as a fraction of width and height."""


@dataclass(frozen=True)
class Specimen:
    """A person in front of a device.

    Attributes:
        image_id: Identifier, which becomes the file name.
        device: What takes the picture.
        size: (width, height) in pixels.
        pixel_size_mm: Millimetres per pixel, exactly true.
        face: The person's face, in mm.
        ruler: p1 and p2, in mm.
        to_px: Map from mm to pixels.
        exposure: How bright the picture came out, around 1.
    """

    image_id: str
    device: Device
    size: Size
    pixel_size_mm: float
    face: Face
    ruler: tuple[Point, Point]
    to_px: Affine
    exposure: float

    @property
    def path(self) -> str:
        """File name."""
        return f"{self.image_id}.{self.device.format}"

    def landmarks_px(self) -> dict[str, NDArray[np.float64]]:
        """True (x, y) in pixels by symbol."""
        return {symbol: self.to_px(point) for symbol, point in self.face.points.items()}

    def ruler_px(self) -> dict[str, NDArray[np.float64]]:
        """True (x, y) in pixels of p1 and p2."""
        return {name: self.to_px(point) for name, point in zip(("p1", "p2"), self.ruler, strict=True)}


def stream(seed: int, index: int, purpose: int) -> np.random.Generator:
    """The random numbers of one image for one purpose (0: specimen, 1: pixels, 2 and up: readers)."""
    return np.random.default_rng(np.random.SeedSequence([seed, index, purpose]))


def sample_specimen(index: int, seed: int, long_side_px: int | None) -> Specimen:
    """Draw the specimen of one image; it depends on nothing but these arguments.

    Args:
        index: Number of the image, from 0.
        seed: Of the data set.
        long_side_px: Of the picture; None: the device's own size.
    """
    rng = stream(seed, index, 0)
    points = shape_model().sample(rng)
    stage = int(rng.choice(6, p=_CVM_SHARES)) + 1
    tilt = Affine.similarity((0.0, 0.0), angle_deg=_TILT_SD_DEG * float(np.clip(rng.standard_normal(), -2, 2)))
    face = Face({symbol: tilt(point) for symbol, point in points.items()}, Build.sample(rng), stage)
    device = DEVICES[int(rng.choice(len(DEVICES), p=[device.share for device in DEVICES]))]
    size, pixel_size = device.frame(long_side_px)
    extent = np.array(size) * pixel_size
    origin = _origin(face, device, extent, rng)
    to_px = Affine(np.column_stack([np.eye(2) / pixel_size, origin / pixel_size]))
    ruler = _ruler(face, extent, origin, rng)
    exposure = float(np.exp(_EXPOSURE_SD * np.clip(rng.standard_normal(), -2, 2)))
    return Specimen(f"phantom_{index + 1:04d}", device, size, pixel_size, face, ruler, to_px, exposure)


def _origin(face: Face, device: Device, extent: Point, rng: np.random.Generator) -> Point:
    """Where the landmarks' centroid lies in the frame, in mm from its corner, with every landmark well inside."""
    spot = np.array(device.centroid) + np.array(device.centroid_sd) * np.clip(rng.standard_normal(2), -2, 2)
    points = np.array(list(face.points.values()))
    least, most = _MARGIN_MM - points.min(axis=0), extent - _MARGIN_MM - points.max(axis=0)
    return np.asarray(np.clip(spot * extent, least, np.maximum(least, most)))


def _ruler(face: Face, extent: Point, origin: Point, rng: np.random.Generator) -> tuple[Point, Point]:
    """p1 and p2 in front of the forehead, inside the frame, in the face's coordinates."""
    spot = (np.array(_RULER_SPOT) + 0.02 * np.clip(rng.standard_normal(2), -2, 2)) * extent
    lean = np.radians(rng.uniform(-3, 3))
    y = float(np.clip(spot[1], 5.0, 30.0))
    skin = skin_outline(face) + origin
    beside = skin[(skin[:, 1] > 0) & (skin[:, 1] < y + RULER_MM + 24), 0]
    x = float(np.clip(max(spot[0], beside.max(initial=0.0) + 11.0), 8.0, extent[0] - 9.0))
    upper = np.array([x, y]) - origin
    return upper + RULER_MM * np.array([np.sin(lean), np.cos(lean)]), upper
