"""A contact sheet of phantoms with their landmarks."""

from typing import TYPE_CHECKING

from ceph_pipeline.images import RawFolder
from ceph_pipeline.phantom.aariz_layout import image_file, split_of
from ceph_pipeline.phantom.params import PhantomParams
from ceph_pipeline.phantom.specimen import Specimen, sample_specimen

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_PICTURES = 8


def contact_sheet(raw: RawFolder, params: PhantomParams) -> "Figure":
    """The first phantoms of a data set; every second one is shown with its landmarks and their symbols.

    Args:
        raw: The phantom data set.
        params: The parameters of the data set.
    """
    from matplotlib.figure import Figure

    n_pictures = min(_MAX_PICTURES, params.n_images)
    columns = (n_pictures + 1) // 2
    figure = Figure(figsize=(4.2 * columns, 9.4), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False).ravel()
    for index, axis in enumerate(axes):
        axis.axis("off")
        if index >= n_pictures:
            continue
        specimen = sample_specimen(index, params.seed, params.long_side_px, params.variation)
        path = image_file(raw.root, split_of(index, params.n_images), specimen).relative_to(raw.root)
        axis.imshow(raw.read(path.as_posix()), cmap="gray", vmin=0, vmax=255)
        axis.set_title(f"{specimen.image_id} · {specimen.device.machine} · CS{specimen.face.cvm_stage}", fontsize=9)
        if index % 2:
            _mark(axis, specimen)
    return figure


def _mark(axis: "Axes", specimen: Specimen) -> None:
    for symbol, (x, y) in (specimen.landmarks_px() | specimen.ruler_px()).items():
        axis.plot(x, y, ".", color="#ff5050", markersize=3.5)
        axis.annotate(symbol, (x, y), xytext=(3, 2), textcoords="offset points", color="#ffe45c", fontsize=5.5)
