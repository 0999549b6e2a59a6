"""Colours, which X-rays do not have and photographs do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from ceph_pipeline.images.kinds import HEAD_BYTES, kind_of
from ceph_pipeline.images.shared_context import no_warnings

if TYPE_CHECKING:
    from pathlib import Path

STRONG = 40
"""Levels of 255 between a pixel's strongest and weakest channel; grey that JPEG or a scanner has tinted stays below."""
MOST = 0.2
"""Share of strongly coloured pixels; stamps, drawn lines and notes on an X-ray stay below."""

_KINDS = ("png", "jpeg", "bmp", "webp")
_WITH_COLOURS = ("RGB", "RGBA", "P", "PA", "CMYK", "YCbCr")


def is_colourful(path: Path) -> bool:
    """Whether strong colours cover more of a film than `MOST`; False for kinds of file that cameras do not write.

    A film on tinted base, scanned in colour, can be colourful too. Looks at an eighth of the size, of files alone whose header
    speaks of colours, since `read_image` lets the decoders leave colours out.

    Args:
        path: A file that `read_image` reads.
    """
    try:
        with path.open("rb") as stream:
            if kind_of(stream.read(HEAD_BYTES)) not in _KINDS or not _may_have_colours(path):
                return False
            stream.seek(0)
            pixels = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_REDUCED_COLOR_8)
    except OSError:  # gone since it was read, or a header that Pillow refuses and the other decoder has read
        return False
    return pixels is not None and float((np.ptp(pixels, axis=-1) > STRONG).mean()) > MOST


def _may_have_colours(path: Path) -> bool:
    with no_warnings, Image.open(path) as image:  # of large images: the limit is ours
        return image.mode in _WITH_COLOURS
