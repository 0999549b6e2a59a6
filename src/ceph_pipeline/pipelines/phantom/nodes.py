"""Nodes of the `phantom` pipeline."""

from pathlib import Path
from typing import Any

from ceph_pipeline.images import RawFolder
from ceph_pipeline.phantom.params import PhantomParams


def draw_phantoms(folder: Path, ruler_export: Path, params: PhantomParams) -> RawFolder:
    """Write the embedded data set into its folder, and the rulers' marks into a separate file."""
    from ceph_pipeline.phantom.data_set import draw_data_set

    draw_data_set(folder, ruler_export, params)
    return RawFolder(folder, params.raw_format)


def show_phantoms(raw_cephalograms: RawFolder, params: PhantomParams) -> Any:
    """Draw a contact sheet of some phantoms with their true landmarks.

    Returns:
        A Matplotlib figure.
    """
    from ceph_pipeline.phantom.sheet import contact_sheet

    return contact_sheet(raw_cephalograms, params)
