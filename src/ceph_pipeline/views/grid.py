"""Grids of views: all combinations of given flips, scales and rotations."""

from itertools import product
from typing import Annotated

from pydantic import Field, field_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.views.view import View


class ViewGrid(Params):
    """All combinations of flips, scales and rotations; a property that is not given does not vary.

    Values are sorted in ascending order, so that grids of the same views are equal. The untransformed view is not added
    automatically. Without a scale of 1, a rotation of 0 and an unflipped view, all points are predicted in warped views.
    """

    flips: tuple[bool, ...] = Field((False,), description="true: mirrored horizontally; helps only networks trained with flips")
    scales: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = Field(
        (1.0,), description="size of the content in the view divided by its size in the frame"
    )
    rotations_deg: tuple[Annotated[float, Field(ge=-45, le=45)], ...] = Field(
        (0.0,), description="rotation, counter-clockwise on the screen"
    )

    @field_validator("flips", "scales", "rotations_deg")
    @classmethod
    def _some_each_once(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not values:
            raise ValueError("should contain at least one value")
        if repeated := [value for value in values if values.count(value) > 1]:
            raise ValueError(f"{repeated[0]} is given more than once")
        return tuple(sorted(values))

    @property
    def views(self) -> tuple[View, ...]:
        """The views, unflipped ones first."""
        return tuple(View(*steps) for steps in product(self.flips, self.scales, self.rotations_deg))

    def __str__(self) -> str:
        """Description of the grid; equal grids have the same description."""
        flips = "/".join("yes" if flip else "no" for flip in self.flips)
        scales, rotations = (
            "/".join(str(step + 0.0).removesuffix(".0") for step in steps) for steps in (self.scales, self.rotations_deg)
        )
        return f"grid of {len(self.views)} (flips {flips}, scales {scales}, rotations {rotations}°)"
