"""The views that networks can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ceph_pipeline.views import View, Views, views_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ceph_pipeline.detector.checkpoint import TrainedNet


def learns_both_ways(trained: TrainedNet) -> bool:
    """Whether a network has learned from faces of both directions; one trained before this was recorded counts as such."""
    return bool(trained.facts.get("flips", True))


def learned_views(views: Views, networks: Sequence[TrainedNet]) -> tuple[View, ...]:
    """The views of a set or a grid, without the flipped ones where a network has learned from faces of one direction only."""
    asked = views_of(views)
    if all(map(learns_both_ways, networks)):
        return asked
    return tuple(view for view in asked if not view.flip) or (View(),)
