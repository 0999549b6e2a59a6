"""A view: one transformation of a network's input frame."""

from dataclasses import dataclass

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.landmarks.geometry import Affine, Size, centre_of


@dataclass(frozen=True)
class View:
    """The frame flipped, then scaled and rotated about its true centre.

    Attributes:
        flip: Mirror horizontally.
        scale: Size of the content in the view divided by its size in the frame, > 0.
        rotation_deg: Counter-clockwise on the screen.
    """

    flip: bool = False
    scale: float = 1.0
    rotation_deg: float = 0.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise InvalidValueError(f"a view's scale must be positive, got {self.scale}.")

    def matrix(self, size: Size) -> Affine:
        """The map from a frame of `(width, height)` pixels to the view, which has the same size."""
        mirrored = Affine.flip(size[0]) if self.flip else Affine.identity()
        return mirrored.then(Affine.similarity(centre_of(size), angle_deg=self.rotation_deg, scale=self.scale))

    @property
    def is_identity(self) -> bool:
        """Whether this is the untransformed view."""
        return self == View()
