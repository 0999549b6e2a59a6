"""What the crop network is told about the landmark that it looks for."""

from collections.abc import Sequence
from typing import Literal, get_args

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.landmarks import UnknownLandmarkError, find

Conditioning = Literal["landmark", "groups", "none"]
"""`landmark`: which landmark it is; `groups`: which group of landmarks it belongs to, at the last layer only; `none`: nothing,
so that what lies near the crop's centre must do."""

SKELETAL_REGIONS = {
    "cranium": ("S", "N", "Or", "Po"),
    "maxilla": ("A", "ANS", "PNS"),
    "mandible": ("Ar", "B", "Co", "Gn", "Go", "Me", "Pog", "R"),
}
"""Symbols of the skeletal points by the bone they lie on. The cranium's are those of the reference planes, S-N and Po-Or;
Articulare, where the ramus crosses the cranial base, goes with the ramus, whose border is one of its two lines."""


def anatomical_region(name: str) -> str:
    """Region of a landmark: `cranium`, `maxilla` or `mandible`; of points that are not bone their tissue, `dental` or `soft`.

    Raises:
        UnknownLandmarkError: no schema knows the name.
    """
    try:
        landmark = find(name)
    except UnknownLandmarkError as error:
        raise UnknownLandmarkError(f"{error} It is in no anatomical group: set `conditioning` to landmark or none.") from None
    return next((region for region, symbols in SKELETAL_REGIONS.items() if landmark.symbol in symbols), landmark.tissue)


def anatomical_groups(names: Sequence[str]) -> list[int]:
    """Group of each landmark: a number of its own for each region, in the order in which they first occur.

    Args:
        names: Full names, in channel order.

    Raises:
        UnknownLandmarkError: no schema knows a name.
    """
    regions = [anatomical_region(name) for name in names]
    numbers = {region: number for number, region in enumerate(dict.fromkeys(regions))}
    return [numbers[region] for region in regions]


def head_numbers(conditioning: Conditioning, n_landmarks: int, groups: Sequence[int] | None) -> list[int]:
    """Which head answers for each landmark.

    Args:
        conditioning: What the network is told.
        n_landmarks: K.
        groups: Of `groups` only: the group of each landmark, counted from 0.

    Raises:
        ValueError: the conditioning is unknown, or the groups are missing, superfluous, not one a landmark or not
            counted from 0.
    """
    if conditioning not in get_args(Conditioning):
        raise InvalidValueError(f"conditioning is {conditioning!r}, expected one of {', '.join(get_args(Conditioning))}.")
    if (groups is not None) != (conditioning == "groups"):
        state = "missing" if groups is None else "given"
        raise InvalidValueError(f"groups are {state}, but conditioning is {conditioning}: they belong to conditioning groups.")
    if groups is None:
        return list(range(n_landmarks)) if conditioning == "landmark" else [0] * n_landmarks
    if len(groups) != n_landmarks or set(groups) != set(range(len(set(groups)))):
        raise InvalidValueError(f"groups are {list(groups)}, expected one for each of {n_landmarks} landmarks, counted from 0.")
    return list(groups)
