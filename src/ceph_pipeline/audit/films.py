"""Films by their grey levels: exposure, contrast, and likeness to the data set's median film."""

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
"""Films are compared at this size, stretched: heads of one device lie about alike."""
_MARGIN = 4
"""Rows and columns at the edge that are left out: frames and burned-in text are there."""
_USUAL_SHARE = 0.1
"""Of the films of 16 bits, and at least two: a depth that so many use is one of the data set's detectors."""


class Levels(NamedTuple):
    """Grey levels of a film, 0–255 over a depth."""

    median: float
    contrast: float
    black_share: float
    white_share: float


class FilmTone(NamedTuple):
    """What is kept of one film.

    Attributes:
        bits: Of 16 those that its brightest pixel needs; None of a film of 8 bits, which has no others.
        shares: `(256,)`, of the pixels at each 256th of the levels that these bits hold.
        small: Its pixels at `SIDE_PX`, without the margin.
    """

    bits: int | None
    shares: NDArray[np.float64]
    small: NDArray[np.float32]

    def levels(self, bits: int | None = None) -> Levels:
        """The levels over the film's own depth, or over so many bits, which are no fewer."""
        step = 2 ** (bits - self.bits) if bits and self.bits else 1
        shares = np.bincount(np.arange(256) // step, self.shares, minlength=256)
        low, median, high = np.searchsorted(np.cumsum(shares), (0.05, 0.5, 0.95))
        return Levels(float(median), float(high - low), float(shares[:2].sum()), float(shares[254:].sum()))


def film_tone(image: GreyImage) -> FilmTone:
    """Describe a film `(h, w)`."""
    bits = full_scale(image).bit_length()
    shares = np.bincount((image >> (bits - 8)).ravel(), minlength=256) / image.size
    small = shrunk(image, (SIDE_PX, SIDE_PX))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return FilmTone(bits if image.dtype == np.uint16 else None, shares, small)


def film_table(image_ids: list[str], tones: Sequence[FilmTone]) -> pd.DataFrame:
    """Rows of `FilmTable`; likeness is the correlation with the median over the films, each brought to mean 0 and sd 1.

    Files of 16 bits often hold the 12 of a detector. Levels count over the least depth that is usual in the data set and
    holds the film, so that those films are not dark, and a film that has nothing bright on it is.
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
    """For each film the least usual depth that holds it, or its own bits where there is none."""
    counts = Counter(depth for depth in bits if depth is not None)
    usual = sorted(depth for depth, count in counts.items() if count >= max(2, _USUAL_SHARE * counts.total()))
    return [depth and next((other for other in usual if other >= depth), depth) for depth in bits]


def _standardised(films: NDArray[np.float32]) -> NDArray[np.float32]:
    mean, sd = films.mean(axis=(1, 2), keepdims=True), films.std(axis=(1, 2), keepdims=True)
    return np.asarray((films - mean) / np.maximum(sd, 1e-3), np.float32)
