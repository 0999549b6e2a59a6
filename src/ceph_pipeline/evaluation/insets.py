"""Insets of an overlay: magnified views of the landmarks with the largest errors."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ceph_pipeline.artifacts import plain_label
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.images.overlay_style import OUTLINE, SYMBOL_COLOUR, draw_points, show_pixels
from ceph_pipeline.landmarks import known_or_own

N_INSETS = 3
"""Number of insets next to each image."""

MIN_SIDE = 0.09
"""Smallest side of an inset, as a fraction of the landmarks' extent; about 10 mm."""

REACH = 3.0
"""Side of an inset divided by the error that it shows."""


def worst_landmarks(truth: NDArray[np.float64], pred: NDArray[np.float64], count: int = N_INSETS) -> list[int]:
    """The landmarks `(K, 2)` with the largest errors, the largest first; fewer if fewer are known."""
    distance = np.linalg.norm(pred - truth, axis=-1)
    order = np.argsort(np.where(np.isnan(distance), -1.0, distance), kind="stable")[::-1]
    return [int(k) for k in order[:count] if not np.isnan(distance[k])]


def draw_inset(
    axes: Axes,
    beside: Axes,
    image: GreyImage,
    truth: NDArray[np.float64],
    pred: NDArray[np.float64],
    name: str,
    title: str,
    extent: float,
) -> None:
    """Draw the surroundings of one landmark, and a frame at their position in the overlay.

    Args:
        axes: Axes of the inset.
        beside: Axes of the overlay, in which the frame is drawn.
        image: Image of the overlay.
        truth: True point, `(2,)` px.
        pred: Predicted point, `(2,)` px.
        name: Name of the landmark.
        title: Title of the inset.
        extent: Extent of all landmarks in px.
    """
    side = max(REACH * float(np.linalg.norm(pred - truth)), MIN_SIDE * extent)
    low, high = (truth + pred - side) / 2, (truth + pred + side) / 2
    show_pixels(axes, image, low, high)
    draw_points(axes, truth[None], pred[None])
    axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), xticks=[], yticks=[])
    axes.set_title(title, fontsize=11)
    frame = Rectangle((low[0], low[1]), side, side, fill=False, edgecolor=SYMBOL_COLOUR, linewidth=1)
    frame.set_path_effects(OUTLINE)
    beside.add_patch(frame)
    axes.text(
        0.04,
        0.95,
        plain_label(known_or_own(name).symbol),
        transform=axes.transAxes,
        va="top",
        color=SYMBOL_COLOUR,
        path_effects=OUTLINE,
    )
