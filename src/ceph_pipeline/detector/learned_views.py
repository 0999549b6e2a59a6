"""The views in which trained networks can predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ceph_pipeline.views import View, Views, views_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ceph_pipeline.detector.checkpoint import TrainedNet


def learns_both_ways(trained: TrainedNet) -> bool:
    """Whether a network was trained on faces of both directions; True if the checkpoint does not record it."""
    return bool(trained.facts.get("flips", True))


def learned_views(views: Views, networks: Sequence[TrainedNet]) -> tuple[View, ...]:
    """The requested views, without the flipped views if a network was trained on faces of one direction only."""
    requested = views_of(views)
    if all(map(learns_both_ways, networks)):
        return requested
    return tuple(view for view in requested if not view.flip) or (View(),)


class Stage1Views(NamedTuple):
    """The views in which every network of stage 1 predicts an image.

    Attributes:
        views: The untransformed view, then the other requested views. Outputs other than points are read from the first view.
        requested: `(networks × views,)`, networks first: whether a forward pass contributes to the fused points. False for
            the untransformed view if that view was not requested.
    """

    views: tuple[View, ...]
    requested: NDArray[np.bool_]


def stage1_views(views: Views, networks: Sequence[TrainedNet]) -> Stage1Views:
    """The views of stage 1 for a set or a grid of views."""
    requested = learned_views(views, networks)
    predicted = (View(), *(view for view in requested if not view.is_identity))
    return Stage1Views(predicted, np.tile([view in requested for view in predicted], len(networks)))
