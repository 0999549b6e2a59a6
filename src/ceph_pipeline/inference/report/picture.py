"""A film as a picture in a page: pixels as JPEG, marks above the pixels as vector graphics."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.images import encode_image
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.inference.points import is_flagged
from ceph_pipeline.inference.tracing import Line, traced
from ceph_pipeline.landmarks import known_or_own
from ceph_pipeline.uncertainty.points import sigma_px

LONG_SIDE_PX, THUMBNAIL_PX = 1600, 160
QUALITY = 88


@dataclass(frozen=True)
class Dot:
    """A landmark in the picture, in pixels of the film; `ring` is two standard deviations, 0 where unknown."""

    symbol: str
    x: float
    y: float
    ring: float
    flagged: bool


@dataclass(frozen=True)
class Picture:
    """The picture of a film in a page.

    Attributes:
        width: Width of the film in px.
        height: Height of the film in px.
        pixels: A `data:` URI of the film, reduced if the film is large.
        dots: The landmarks.
        lines: The tracing.
    """

    width: int
    height: int
    pixels: str
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]


def picture(image: GreyImage, points: pd.DataFrame) -> Picture:
    """Prepare a film `(height, width)` and its points for a page."""
    height, width = image.shape
    rows = zip(points["landmark"], points["x"], points["y"], sigma_px(points), is_flagged(points), strict=True)
    dots = [
        Dot(
            known_or_own(str(name)).symbol,
            round(float(x), 2),
            round(float(y), 2),
            round(2 * float(np.nan_to_num(sigma)), 2),
            bool(flag),
        )
        for name, x, y, sigma, flag in rows
        if np.isfinite(x) and np.isfinite(y)
    ]
    lines = traced({dot.symbol: (dot.x, dot.y) for dot in dots})
    return Picture(width, height, as_uri(image, LONG_SIDE_PX), tuple(dots), tuple(lines))


def as_uri(image: GreyImage, long_side: int) -> str:
    """A film as a JPEG in a `data:` URI, with at most `long_side` pixels per side."""
    jpeg = encode_image(reduced(image, long_side), ".jpg", QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def reduced(image: GreyImage, long_side: int) -> NDArray[np.uint8]:
    """A film's grey levels from `stretched`, with at most `long_side` pixels per side."""
    scale = min(1.0, long_side / max(image.shape))
    size = [max(1, round(side * scale)) for side in (image.shape[1], image.shape[0])]
    levels = stretched(image)
    return np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8) if scale < 1 else levels


def stretched(image: GreyImage) -> NDArray[np.uint8]:
    """Grey levels of a film stretched to 8 bits; the brightest and the darkest half per cent are clipped."""
    low, high = np.percentile(image, (0.5, 99.5))
    levels = (image.astype(np.float32) - low) / max(high - low, 1.0)
    return np.asarray(np.clip(levels, 0, 1) * 255).round().astype(np.uint8)
