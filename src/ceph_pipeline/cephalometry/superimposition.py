"""Superimposition of two films of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.cephalometry.evaluating import SYMBOLS, as_complex, frame_of
from ceph_pipeline.cephalometry.measuring import face_arrays
from ceph_pipeline.errors import CephError
from ceph_pipeline.landmarks import Affine, find

Registration = Literal["sella_nasion", "cranial_base"]
CRANIAL_BASE = ("S", "N", "Po", "Ar")
"""The landmarks that move least during growth of the face."""


class SuperimpositionError(CephError, ValueError):
    """Two films cannot be superimposed."""


def superimpose(
    first: Mapping[str, tuple[float, float]],
    second: Mapping[str, tuple[float, float]],
    pixel_sizes_mm: tuple[float, float],
    registration: Registration = "sella_nasion",
) -> Affine:
    """The map from the second film's pixels to the first film's: rotated, shifted, and mirrored if the faces look opposite ways.

    The scale is the ratio of the pixel sizes. It is not fitted, because a fitted scale would remove growth.

        onto_first = superimpose({"S": (0, 0), "N": (700, 0)}, {"S": (10, 5), "N": (10, 705)}, (0.1, 0.1))
        onto_first([10, 405])   # 400 px from Sella towards Nasion: [400, 0]

    Args:
        first: `(x, y)` in pixels by full name or symbol.
        second: The same for the second film.
        pixel_sizes_mm: Pixel sizes of the first and the second film.
        registration: `sella_nasion` maps S to S and S–N to the direction of S–N. `cranial_base` fits those of S, N, Po and Ar
            that both films have, by least squares (Procrustes without scale).

    Raises:
        SuperimpositionError: landmarks of the registration are missing or coincide, or a film has no landmark below S–N, so that
            the side to which the face looks is unknown.
        UnknownLandmarkError: a landmark's key is unknown.
        ValueError: a pixel size is not above 0.
    """
    faces = [face_arrays(face, size) for face, size in zip((first, second), pixel_sizes_mm, strict=True)]
    one, two = (as_complex(points[0]) for points, _ in faces)
    scale = float(faces[1][1][0] / faces[0][1][0])
    if np.isnan(scale):
        raise SuperimpositionError("superimposition needs the pixel size of both films, in millimetres per pixel.")
    turns = [frame_of(points[:, None]).turn[0] for points in (one, two)]
    mirrored = bool(turns[0] * turns[1] < 0)
    moved = scale * (-two.conj() if mirrored else two)
    wanted = ("S", "N") if registration == "sella_nasion" else CRANIAL_BASE
    rows = _common(one, moved, wanted, registration)
    fixed = [rows[0]] if registration == "sella_nasion" else rows
    origin, centre = one[fixed].mean(), moved[fixed].mean()
    turned = complex(((one[rows] - origin) * (moved[rows] - centre).conj()).sum())
    if turned == 0:
        raise SuperimpositionError(f"the landmarks {', '.join(wanted)} of a film coincide: they have no direction.")
    if np.isnan(turns).any() and np.isfinite(two).sum() > 2:
        raise SuperimpositionError(
            "the sides to which the faces look are unknown: each film needs Sella, Nasion and a landmark below, such as Gonion."
        )
    factor = scale * turned / abs(turned)
    shift = origin - turned / abs(turned) * centre
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    if mirrored:
        linear = linear @ np.diag([-1.0, 1.0])
    return Affine(np.column_stack([linear, [shift.real, shift.imag]]))


def _common(one: NDArray[np.complex128], two: NDArray[np.complex128], wanted: tuple[str, ...], registration: str) -> list[int]:
    """Rows of the landmarks that both films have, in the order of `wanted`.

    Raises:
        SuperimpositionError: both films have fewer than two of the landmarks.
    """
    rows = [SYMBOLS.index(symbol) for symbol in wanted]
    common = [row for row in rows if np.isfinite(one[row]) and np.isfinite(two[row])]
    if len(common) < 2:
        missing = ", ".join(find(SYMBOLS[row]).name for row in rows if row not in common)
        raise SuperimpositionError(f"registration {registration!r} needs two landmarks in both films; missing in one: {missing}.")
    return common
