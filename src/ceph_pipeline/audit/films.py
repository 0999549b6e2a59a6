"""Films by their grey levels: exposure, contrast, and likeness to the data set's median film."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.audit.tables import FILM_COLUMNS
from ceph_pipeline.audit.tone import shrunk
from ceph_pipeline.images.codec import GreyImage

SIDE_PX = 48
"""Films are compared at this size, stretched: heads of one device lie about alike."""
_MARGIN = 4
"""Rows and columns at the edge that are left out: frames and burned-in text are there."""


class FilmTone(NamedTuple):
    """One film: its levels, and its pixels at `SIDE_PX`."""

    median: float
    contrast: float
    black_share: float
    white_share: float
    small: NDArray[np.float32]


def film_tone(image: GreyImage) -> FilmTone:
    """Describe a film `(h, w)`."""
    levels = image >> 8 if image.dtype == np.uint16 else image
    share = np.bincount(levels.ravel(), minlength=256) / levels.size
    low, median, high = np.searchsorted(np.cumsum(share), (0.05, 0.5, 0.95))
    small = shrunk(image, (SIDE_PX, SIDE_PX))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return FilmTone(float(median), float(high - low), float(share[:2].sum()), float(share[254:].sum()), small)


def film_table(image_ids: list[str], tones: Sequence[FilmTone]) -> pd.DataFrame:
    """Rows of `FilmTable`; likeness is the correlation with the median over the films, each brought to mean 0 and sd 1."""
    if not tones:
        return pd.DataFrame(columns=FILM_COLUMNS)
    small = _standardised(np.stack([tone.small for tone in tones]))
    mirrored = small[:, :, ::-1]
    usual = _standardised(np.median(small, axis=0)[None])[0]
    return pd.DataFrame(
        {
            "image_id": image_ids,
            "median": [tone.median for tone in tones],
            "contrast": [tone.contrast for tone in tones],
            "black_share": [tone.black_share for tone in tones],
            "white_share": [tone.white_share for tone in tones],
            "likeness": (small * usual).mean(axis=(1, 2)).clip(-1, 1),
            "mirrored_likeness": (mirrored * usual).mean(axis=(1, 2)).clip(-1, 1),
        }
    )


def _standardised(films: NDArray[np.float32]) -> NDArray[np.float32]:
    mean, sd = films.mean(axis=(1, 2), keepdims=True), films.std(axis=(1, 2), keepdims=True)
    return np.asarray((films - mean) / np.maximum(sd, 1e-3), np.float32)
