"""Choice of views in parameters: a named set or a grid."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator

from ceph_pipeline.views.grid import ViewGrid
from ceph_pipeline.views.view import View

ViewSet = Literal["single", "five", "ten", "grid"]
"""Names of sets: the untransformed view, the ten views without the flipped ones, the ten views, the grid of 18 views."""

FIVE_VIEWS = (View(), View(scale=0.8), View(scale=1.2), View(rotation_deg=-3.0), View(rotation_deg=3.0))
"""Identity, scale 0.8, scale 1.2, rotation −3°, rotation +3°."""

TEN_VIEWS = FIVE_VIEWS + tuple(View(True, view.scale, view.rotation_deg) for view in FIVE_VIEWS)
"""The five views above, and each of them flipped. Flips help only a network that was trained with flips."""

GRID_VIEWS = ViewGrid(flips=(False, True), scales=(0.8, 1.0, 1.2), rotations_deg=(-3.0, 0.0, 3.0)).views
"""The full grid, 2 × 3 × 3 views."""

VIEW_SETS: dict[ViewSet, tuple[View, ...]] = {"single": (View(),), "five": FIVE_VIEWS, "ten": TEN_VIEWS, "grid": GRID_VIEWS}
"""Views by the name of their set."""


def _known(value: object) -> ViewSet | ViewGrid:
    """Parse a parameter's value as a set's name or a grid."""
    if isinstance(value, Mapping):
        return ViewGrid.model_validate(value)
    if isinstance(value, ViewGrid):
        return value
    for name in VIEW_SETS:
        if value == name:
            return name
    *names, last = map(repr, VIEW_SETS)
    raise ValueError(
        f"should be {', '.join(names)} or {last}, or a grid such as "
        "{flips: [false, true], scales: [0.9, 1.0, 1.1], rotations_deg: [-5, 0, 5]}"
    )


Views = Annotated[ViewSet | ViewGrid, BeforeValidator(_known)]
"""A set's name or a grid. One validator checks both, so that an invalid value gives one error message."""


def views_of(views: Views) -> tuple[View, ...]:
    """The views of a set or a grid."""
    return views.views if isinstance(views, ViewGrid) else VIEW_SETS[views]


def views_name(views: Views) -> str:
    """The name of a set, also for a grid of the same views; for any other grid its steps.

    >>> views_name(ViewGrid(flips=(False,), scales=(1.0,), rotations_deg=(0.0,)))
    'single'
    """
    wanted = set(views_of(views))
    return next((name for name, known in VIEW_SETS.items() if set(known) == wanted), str(views))
