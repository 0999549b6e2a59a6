"""The views that networks can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ceph_pipeline.views import View, Views, views_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ceph_pipeline.detector.checkpoint import TrainedNet


def learns_both_ways(trained: TrainedNet) -> bool:
    """Whether a network has learned from faces of both directions; one that does not record it counts as such."""
    return bool(trained.facts.get("flips", True))


def learned_views(views: Views, networks: Sequence[TrainedNet]) -> tuple[View, ...]:
    """The views of a set or a grid, without the flipped ones where a network has learned from faces of one direction only."""
    asked = views_of(views)
    if all(map(learns_both_ways, networks)):
        return asked
    return tuple(view for view in asked if not view.flip) or (View(),)


class Looks(NamedTuple):
    """How every network of stage 1 looks at an image.

    Attributes:
        views: The plain frame, which outputs other than points are read from, and then the other views asked for.
        asked: `(networks × views,)`, networks first: which looks the points are fused from; not the plain frame's where nobody
            has asked for it.
    """

    views: tuple[View, ...]
    asked: NDArray[np.bool_]


def looks_of(views: Views, networks: Sequence[TrainedNet]) -> Looks:
    """The looks of stage 1 at a set or a grid of views."""
    asked = learned_views(views, networks)
    looked_at = (View(), *(view for view in asked if not view.is_identity))
    return Looks(looked_at, np.tile([view in asked for view in looked_at], len(networks)))
