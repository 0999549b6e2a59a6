"""From attenuation to a device's image: scatter, blur, the film's curve, quantum noise, frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.phantom.devices import Device, border_width_px

_SCATTER = 0.07
_SCATTER_MM = 14.0
_WHITE = 251.0
_FRAME = {"film": 248.0, "collimated": 0.0}
"""Grey value of a frame around the image, by the device's border."""
_BLACKENED = 0.12
"""Remaining contrast in over-exposed areas."""


def trabecular_texture(size: tuple[int, int], pixel_size_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """The texture of bone for a (width, height) image: fine trabeculae on coarser clouds, mean 0, sd 1."""
    field = np.zeros((size[1], size[0]), np.float32)
    for grain_mm, weight in ((0.7, 0.45), (3.5, 0.7), (11.0, 0.7)):
        cells = tuple(max(4, round(side * pixel_size_mm / grain_mm)) for side in size)
        noise = rng.standard_normal((cells[1], cells[0]), dtype=np.float32)
        field += np.float32(weight) * cv2.resize(cv2.GaussianBlur(noise, (0, 0), 0.7), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / field.std())


def develop(
    attenuation: NDArray[np.float32],
    device: Device,
    pixel_size_mm: float,
    grain: float,
    rng: np.random.Generator,
    exposure: float = 1.0,
    over_exposure: NDArray[np.float32] | None = None,
) -> NDArray[np.uint8]:
    """Expose and develop.

    Args:
        attenuation: `(height, width)`, mm of water.
        device: Device that determines sharpness, contrast, noise and border.
        pixel_size_mm: Millimetres per pixel.
        grain: Noise relative to the device's noise; 0: no noise.
        rng: Random generator for the noise.
        exposure: Factor of the effect of attenuation on grey levels, relative to the device's usual setting.
        over_exposure: `(width,)`, mm of water that the surplus dose in each column penetrates: less tissue is almost as black as
            air.

    Returns:
        `(height, width)`, bone bright.
    """
    sigma = max(0.5, device.blur_mm / pixel_size_mm)
    sharp = cv2.GaussianBlur(np.maximum(attenuation, 0), (0, 0), sigma)
    height, width = sharp.shape
    small = cv2.resize(sharp, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    veil = cv2.GaussianBlur(small, (0, 0), _SCATTER_MM / (8 * pixel_size_mm))
    mixed = (1 - _SCATTER) * sharp + _SCATTER * cv2.resize(veil, (width, height), interpolation=cv2.INTER_LINEAR)
    if over_exposure is not None:
        mixed = np.maximum(mixed - over_exposure, np.float32(_BLACKENED) * mixed)
    toe = cv2.pow(mixed * np.float32(exposure / device.latitude), device.gamma)
    share = 1 - cv2.exp(-toe)
    grey = np.float32(device.fog) + np.float32(_WHITE - device.fog) * share
    if grain:
        noise = rng.standard_normal((height, width), dtype=np.float32)
        grey += (
            np.float32(grain * device.grain) * (np.float32(0.5) + share) * cv2.GaussianBlur(noise, (0, 0), 0.6) * np.float32(1.8)
        )
    _draw_border(grey, device)
    return np.asarray(np.clip(np.rint(grey), 0, 255), np.uint8)


def _draw_border(grey: NDArray[np.float32], device: Device) -> None:
    """Draw the device's frame."""
    height, width = grey.shape
    edge = border_width_px((width, height))
    if device.border in _FRAME:
        for strip in (grey[:edge], grey[-edge:], grey[:, :edge], grey[:, -edge:]):
            strip[:] = _FRAME[device.border]
    elif device.border == "tabs":
        for centre in (0.27, 0.52, 0.77):
            left, right = round((centre - 0.03) * width), round((centre + 0.03) * width)
            grey[: 2 * edge, left:right] = 250
            grey[-2 * edge :, left:right] = 250
