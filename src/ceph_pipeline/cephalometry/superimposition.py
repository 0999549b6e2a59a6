"""Two films of one person, laid over each other."""

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
"""What growth of the face moves least, as far as these landmarks go."""


class SuperimpositionError(CephError, ValueError):
    """Two films cannot be laid over each other."""


def superimpose(
    first: Mapping[str, tuple[float, float]],
    second: Mapping[str, tuple[float, float]],
    pixel_sizes_mm: tuple[float, float],
    registration: Registration = "sella_nasion",
) -> Affine:
    """The map from the second film's pixels to the first's: turned, shifted, mirrored where the faces look opposite ways.

    Millimetres stay millimetres: the scale is that of the pixel sizes, never fitted, or growth would be scaled away.

        onto_first = superimpose({"S": (0, 0), "N": (700, 0)}, {"S": (10, 5), "N": (10, 705)}, (0.1, 0.1))
        onto_first([10, 405])   # 400 px from Sella towards Nasion: [400, 0]

    Args:
        first: `(x, y)` in pixels by full name or symbol.
        second: Likewise, of the second film.
        pixel_sizes_mm: Of both.
        registration: `sella_nasion` puts S on S and S–N along S–N; `cranial_base` fits S, N, Po and Ar, as far as both films
            have them, by least squares (Procrustes without scale).

    Raises:
        SuperimpositionError: landmarks of the registration are missing or lie in one place, or a film with no landmark below
            S–N leaves unknown whether to mirror the second one's points.
        UnknownLandmarkError: a landmark's key is not known.
        ValueError: a pixel size that is not above 0.
    """
    faces = [face_arrays(face, size) for face, size in zip((first, second), pixel_sizes_mm, strict=True)]
    one, two = (as_complex(points[0]) for points, _ in faces)
    scale = float(faces[1][1][0] / faces[0][1][0])
    if np.isnan(scale):
        raise SuperimpositionError("superimposing needs the pixel size of both films; give both in millimetres per pixel.")
    turns = [frame_of(points[:, None]).turn[0] for points in (one, two)]
    mirrored = bool(turns[0] * turns[1] < 0)
    moved = scale * (-two.conj() if mirrored else two)
    wanted = ("S", "N") if registration == "sella_nasion" else CRANIAL_BASE
    rows = _common(one, moved, wanted, registration)
    fixed = [rows[0]] if registration == "sella_nasion" else rows
    origin, centre = one[fixed].mean(), moved[fixed].mean()
    turned = complex(((one[rows] - origin) * (moved[rows] - centre).conj()).sum())
    if turned == 0:
        raise SuperimpositionError(f"the landmarks {', '.join(wanted)} of a film lie in one place: they give no direction.")
    if np.isnan(turns).any() and np.isfinite(two).sum() > 2:
        raise SuperimpositionError(
            "unknown whether both faces look the same way: each film needs Sella, Nasion and a landmark below, such as Gonion."
        )
    factor = scale * turned / abs(turned)
    shift = origin - turned / abs(turned) * centre
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    if mirrored:
        linear = linear @ np.diag([-1.0, 1.0])
    return Affine(np.column_stack([linear, [shift.real, shift.imag]]))


def _common(one: NDArray[np.complex128], two: NDArray[np.complex128], wanted: tuple[str, ...], registration: str) -> list[int]:
    """Rows of the landmarks that both films have, in the order wanted.

    Raises:
        SuperimpositionError: fewer than two.
    """
    rows = [SYMBOLS.index(symbol) for symbol in wanted]
    common = [row for row in rows if np.isfinite(one[row]) and np.isfinite(two[row])]
    if len(common) < 2:
        missing = ", ".join(find(SYMBOLS[row]).name for row in rows if row not in common)
        raise SuperimpositionError(f"registration {registration!r} needs two landmarks in both films; missing in one: {missing}.")
    return common
