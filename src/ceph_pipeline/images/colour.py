"""Detection of strong colours, which occur in photographs but not in X-ray images."""

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
"""Least difference between a pixel's strongest and weakest channel, of 255; tints from JPEG or scanners are below."""
MOST = 0.2
"""Largest share of strongly coloured pixels on an X-ray image; stamps, drawn lines and notes are below."""

_KINDS = ("png", "jpeg", "bmp", "webp")
_WITH_COLOURS = ("RGB", "RGBA", "P", "PA", "CMYK", "YCbCr")


def is_colourful(path: Path) -> bool:
    """Whether strong colours cover a larger share of a film than `MOST`; False for kinds of file that cameras do not write.

    A film on a tinted base that was scanned in colour can be colourful too. The image is inspected at an eighth of its size, and
    only if its header declares colours.

    Args:
        path: A file that `read_image` reads.
    """
    try:
        with path.open("rb") as stream:
            if kind_of(stream.read(HEAD_BYTES)) not in _KINDS or not _may_have_colours(path):
                return False
            stream.seek(0)
            pixels = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_REDUCED_COLOR_8)
    except OSError:  # the file was deleted since it was read, or Pillow rejects a header that the other decoder accepts
        return False
    return pixels is not None and float((np.ptp(pixels, axis=-1) > STRONG).mean()) > MOST


def _may_have_colours(path: Path) -> bool:
    with no_warnings, Image.open(path) as image:  # warnings about large images: this project has its own limit
        return image.mode in _WITH_COLOURS
