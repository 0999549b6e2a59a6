"""Grey levels of films: exposure, contrast, and similarity to the data set's median film."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.audit.tables import FILM_COLUMNS
from ceph_pipeline.audit.tone import shrunk
from ceph_pipeline.augmentation.transforms import full_scale
from ceph_pipeline.images.codec import GreyImage

SIDE_PX = 48
"""Size at which films are compared; films are stretched to it, since skulls have similar positions on films of one device."""
_MARGIN = 4
"""Rows and columns left out at each edge, because of frames and burned-in text."""
_USUAL_SHARE = 0.1
"""Least share of the 16-bit films (and at least two films) for a bit depth to be that of a detector."""


class Levels(NamedTuple):
    """Statistics of a film's grey levels, scaled to 0–255."""

    median: float
    contrast: float
    black_share: float
    white_share: float


class FilmTone(NamedTuple):
    """Summary of one film's grey levels.

    Attributes:
        bits: Bits of the brightest pixel of a 16-bit film; None for an 8-bit film.
        shares: Shares of the pixels `(256,)` in 256 equal intervals of the range of these bits.
        small: The pixels at `SIDE_PX`, without the margin.
    """

    bits: int | None
    shares: NDArray[np.float64]
    small: NDArray[np.float32]

    def levels(self, bits: int | None = None) -> Levels:
        """The levels relative to the film's own bit depth, or to a depth `bits` that is at least as large."""
        step = 2 ** (bits - self.bits) if bits and self.bits else 1
        shares = np.bincount(np.arange(256) // step, self.shares, minlength=256)
        low, median, high = np.searchsorted(np.cumsum(shares), (0.05, 0.5, 0.95))
        return Levels(float(median), float(high - low), float(shares[:2].sum()), float(shares[254:].sum()))


def film_tone(image: GreyImage) -> FilmTone:
    """Summarise a film `(h, w)`."""
    bits = full_scale(image).bit_length()
    shares = np.bincount((image >> (bits - 8)).ravel(), minlength=256) / image.size
    small = shrunk(image, (SIDE_PX, SIDE_PX))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return FilmTone(bits if image.dtype == np.uint16 else None, shares, small)


def film_table(image_ids: list[str], tones: Sequence[FilmTone]) -> pd.DataFrame:
    """Rows of `FilmTable`; likeness is the correlation with the median of all films, each standardised to mean 0 and sd 1.

    16-bit files often contain the 12 bits of a detector. Levels are scaled by the least bit depth that is usual in the data set
    and sufficient for the film. Thus films of 12 bits are not dark, but a film without bright areas is.
    """
    if not tones:
        return pd.DataFrame(columns=FILM_COLUMNS)
    small = _standardised(np.stack([tone.small for tone in tones]))
    mirrored = small[:, :, ::-1]
    usual = _standardised(np.median(small, axis=0)[None])[0]
    depths = _used_depths([tone.bits for tone in tones])
    levels = pd.DataFrame([tone.levels(bits) for tone, bits in zip(tones, depths, strict=True)])
    levels.insert(0, "image_id", image_ids)
    return levels.assign(
        likeness=(small * usual).mean(axis=(1, 2)).clip(-1, 1),
        mirrored_likeness=(mirrored * usual).mean(axis=(1, 2)).clip(-1, 1),
    )


def _used_depths(bits: Sequence[int | None]) -> list[int | None]:
    """For each film the least usual depth that is sufficient for it; if there is none, the film's own bits."""
    counts = Counter(depth for depth in bits if depth is not None)
    usual = sorted(depth for depth, count in counts.items() if count >= max(2, _USUAL_SHARE * counts.total()))
    return [depth and next((other for other in usual if other >= depth), depth) for depth in bits]


def _standardised(films: NDArray[np.float32]) -> NDArray[np.float32]:
    mean, sd = films.mean(axis=(1, 2), keepdims=True), films.std(axis=(1, 2), keepdims=True)
    return np.asarray((films - mean) / np.maximum(sd, 1e-3), np.float32)
