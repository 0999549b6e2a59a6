"""Description of one phantom before it is drawn: face, device and position in the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks.geometry import Affine, Size
from ceph_pipeline.phantom.cephalostat import EarRods, Ruler, RulerVariant, place_ruler
from ceph_pipeline.phantom.devices import DEVICES, Device
from ceph_pipeline.phantom.face import Build, PhantomFace, Point, Pose
from ceph_pipeline.phantom.params import USUAL_VARIATION, VariationParams
from ceph_pipeline.phantom.shape import shape_model
from ceph_pipeline.phantom.structures.soft_tissue import skin_outline

PREFIX = "phantom_"
"""Prefix of every phantom's identifier and file name."""

_CVM_SHARES = (0.10, 0.12, 0.13, 0.22, 0.25, 0.18)
"""Shares of CS1 to CS6. CS1 to CS3 are more frequent than in the Aariz data set (12 % together), so that small data sets contain
every stage."""

_MARGIN_MM = 7.0
"""Least distance of landmarks from the image's border."""

_TILT_SD_DEG = 3.0
_EXPOSURE_SD = 0.08

_OVER_EXPOSURE_MM = (9.0, 16.0)
"""Range of the tissue that is invisible in an over-exposed profile, in mm of water."""

_VARIATION_STREAM = 1000
"""Purpose of the random numbers of `VariationParams`; a separate stream, so that its settings do not change face and frame."""


@dataclass(frozen=True)
class Specimen:
    """A person in front of a device.

    Attributes:
        image_id: Identifier, which becomes the file name.
        device: The simulated cephalostat.
        size: (width, height) in pixels.
        pixel_size_mm: Exact millimetres per pixel.
        face: The person's face, in mm.
        ruler: The ruler with p1 and p2, in mm; None if the film shows no ruler.
        ear_rods: The ear rods near Porion.
        to_px: Map from mm to pixels.
        exposure: Brightness of the image, around 1.
        over_exposure_mm: Tissue that is invisible at the front of the face, in mm of water; 0 on most films.
    """

    image_id: str
    device: Device
    size: Size
    pixel_size_mm: float
    face: PhantomFace
    ruler: Ruler | None
    ear_rods: EarRods
    to_px: Affine
    exposure: float
    over_exposure_mm: float

    @property
    def path(self) -> str:
        """File name."""
        return f"{self.image_id}.{self.device.format}"

    def landmarks_px(self) -> dict[str, NDArray[np.float64]]:
        """True (x, y) in pixels by symbol."""
        return {symbol: self.to_px(point) for symbol, point in self.face.points.items()}

    def ruler_px(self) -> dict[str, NDArray[np.float64]]:
        """True (x, y) in pixels of p1 and p2; empty without a ruler."""
        return {} if self.ruler is None else {"p1": self.to_px(self.ruler.p1), "p2": self.to_px(self.ruler.p2)}

    def over_exposure(self) -> NDArray[np.float32] | None:
        """Invisible mm of water of each column, `(width,)`: 0 behind A, and the full amount from 14 mm in front of A."""
        if not self.over_exposure_mm:
            return None
        in_front_mm = (np.arange(self.size[0]) - self.to_px(self.face["A"])[0]) * self.pixel_size_mm
        return np.asarray(self.over_exposure_mm * np.clip(in_front_mm / 14.0, 0, 1), np.float32)


def stream(seed: int, index: int, purpose: int) -> np.random.Generator:
    """Random generator of one image for one purpose (0: specimen, 1: pixels, 2 and up: readers, 1000: variation)."""
    return np.random.default_rng(np.random.SeedSequence([seed, index, purpose]))


def sample_specimen(index: int, seed: int, long_side_px: int | None, variation: VariationParams = USUAL_VARIATION) -> Specimen:
    """Draw the specimen of one image; the result depends only on the arguments.

    Args:
        index: Number of the image, from 0.
        seed: Seed of the data set.
        long_side_px: Long side of the image; None: the device's native size.
        variation: Differences between films.
    """
    rng, varied = stream(seed, index, 0), stream(seed, index, _VARIATION_STREAM)
    points = shape_model().sample(rng)
    stage = int(rng.choice(6, p=_CVM_SHARES)) + 1
    tilt = Affine.similarity((0.0, 0.0), angle_deg=_TILT_SD_DEG * float(np.clip(rng.standard_normal(), -2, 2)))
    pose = Pose.sample(varied, variation.asymmetry)
    face = PhantomFace({symbol: tilt(point) for symbol, point in points.items()}, Build.sample(rng), stage, pose)
    device = _device(rng, variation.n_devices)
    size, pixel_size = device.frame(long_side_px)
    extent = np.array(size) * pixel_size
    origin = _origin(face, device, extent, rng)
    to_px = Affine(np.column_stack([np.eye(2) / pixel_size, origin / pixel_size]))
    ruler = _ruler(face, device.border_px(size) * pixel_size, extent, origin, variation, (rng, varied))
    exposure = float(np.exp(_EXPOSURE_SD * np.clip(rng.standard_normal(), -2, 2)))
    ear_rods = EarRods.sample(varied, variation.ear_rod_clutter)
    lost = float(varied.uniform(*_OVER_EXPOSURE_MM))
    over_exposure_mm = lost if varied.uniform() < variation.burnt_out_share else 0.0
    image_id = f"{PREFIX}{index + 1:04d}"
    return Specimen(image_id, device, size, pixel_size, face, ruler, ear_rods, to_px, exposure, over_exposure_mm)


def _device(rng: np.random.Generator, n_devices: int) -> Device:
    """One of the most frequent devices, drawn by their shares."""
    makes = sorted(DEVICES, key=lambda device: -device.share)[:n_devices] if n_devices < len(DEVICES) else DEVICES
    shares = np.array([device.share for device in makes])
    return makes[int(rng.choice(len(makes), p=shares / shares.sum()))]


def _origin(face: PhantomFace, device: Device, extent: Point, rng: np.random.Generator) -> Point:
    """Position of the landmarks' centroid, in mm from the image's corner, such that every landmark is inside the margin."""
    place = np.array(device.centroid) + np.array(device.centroid_sd) * np.clip(rng.standard_normal(2), -2, 2)
    points = np.array(list(face.points.values()))
    least, most = _MARGIN_MM - points.min(axis=0), extent - _MARGIN_MM - points.max(axis=0)
    return np.asarray(np.clip(place * extent, least, np.maximum(least, most)))


def _ruler(
    face: PhantomFace,
    border_mm: float,
    extent: Point,
    origin: Point,
    variation: VariationParams,
    streams: tuple[np.random.Generator, np.random.Generator],
) -> Ruler | None:
    """The film's ruler in the face's coordinates."""
    place, varied = streams
    variant = RulerVariant.sample(varied, variation)
    skin = skin_outline(face) + origin
    ruler = place_ruler(variant, skin, extent, border_mm, variation.ruler_tilt_deg, place)
    return ruler if ruler is None else Ruler(ruler.p1 - origin, ruler.p2 - origin, ruler.strength)
