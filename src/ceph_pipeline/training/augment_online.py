"""Augmentation on the fly, with the same kinds that produce the copies (augmented images).

For any number of kinds, a sample is warped once, and its grey levels are mapped once: affine maps are composed with the map to
the network's input, and tone curves with the normalisation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ceph_pipeline.augmentation.transforms import Points, Tone, Transform, Warp, full_scale, level_shares, look_up
from ceph_pipeline.images.normalise import MIN_SD, grey_moments, raise_levels
from ceph_pipeline.landmarks import Affine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ceph_pipeline.augmentation.kinds import Kind, Source
    from ceph_pipeline.augmentation.transforms import Pixels


@dataclass(frozen=True)
class Drawn:
    """The changes of one sample.

    Attributes:
        affine: Composition of all warps, from pixels of the source to pixels of the changed source.
        tones: Tone curves in the recipe's order.
        others: Changes that are neither warp nor tone, in the recipe's order. They are always applied to the pixels passed to
            `levels`: the source's pixels for whole images, the warped pixels for crops.
    """

    affine: Affine
    tones: Sequence[Tone] = ()
    others: Sequence[Transform] = ()

    def levels(self, image: Pixels, input_gamma: float = 1.0, white: int | None = None) -> NDArray[np.float32]:
        """The image before the warp, with changed grey levels, raised to `input_gamma` and normalised.

        Args:
            image: `(height, width)`, 8 or 16 bits.
            input_gamma: Power of the grey levels in the network's input.
            white: `full_scale` of the whole film, if the image is a crop of it, which may be dark.
        """
        for change in self.others:
            image = change.pixels(image)
        white = full_scale(image) if white is None else white
        levels = np.arange(white + 1.0)
        if not self.tones and input_gamma == 1:
            mean, sd = grey_moments(image)
        else:
            share = level_shares(image, white)
            for tone in self.tones:
                levels = white * tone.curve(levels / white, float(share @ levels) / white)
            levels = np.asarray(raise_levels(levels, input_gamma), np.float64)
            mean = float(share @ levels)
            sd = max(float(share @ (levels - mean) ** 2) ** 0.5, MIN_SD)
        return look_up(image, (levels.astype(np.float32) - np.float32(mean)) * np.float32(1 / sd))

    def moved(self, points: Points) -> Points:
        """Points before the warp; changed only by kinds that move points by a map that is not affine."""
        for change in self.others:
            points = change.points(points)
        return points


UNCHANGED = Drawn(Affine.identity())


def draw_changes(recipe: Mapping[str, Kind], source: Source, rng: np.random.Generator) -> Drawn:
    """Draw the changes of a sample.

    Args:
        recipe: Kinds by name, each with its probability; one of a kind's copies is selected at random.
        source: The cached image or a crop, with its size and points. A kind that avoids landmarks uses the points as moved by
            the previous kinds in `others`.
        rng: Random generator of this sample.
    """
    affine, tones, others = Affine.identity(), [], []
    for kind in recipe.values():
        if rng.random() >= kind.probability or kind.unavailable(source):
            continue
        change = kind.change(source, int(rng.integers(kind.copies)), rng)
        if isinstance(change.pixels, Warp):
            affine = affine.then(change.pixels.affine)
        elif isinstance(change.pixels, Tone):
            tones.append(change.pixels)
        else:
            others.append(change)
            source = _moved(source, change)
    return Drawn(affine, tones, others)


def _moved(source: Source, change: Transform) -> Source:
    """The source with its landmarks moved by a change of its pixels."""
    points = change.points(np.array(list(source.landmarks.values())).reshape(-1, 2)).tolist()
    return replace(source, landmarks={name: (x, y) for name, (x, y) in zip(source.landmarks, points, strict=True)})
