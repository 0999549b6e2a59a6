"""Test-time augmentation (TTA): geometry of the views of a frame, and fusion of the points predicted in them."""

from ceph_pipeline.views.choice import GRID_VIEWS, TEN_VIEWS, Views, views_name, views_of
from ceph_pipeline.views.fusion import Fusion, fuse_views
from ceph_pipeline.views.grid import ViewGrid
from ceph_pipeline.views.view import View

__all__ = [
    "GRID_VIEWS",
    "TEN_VIEWS",
    "Fusion",
    "View",
    "ViewGrid",
    "Views",
    "fuse_views",
    "views_name",
    "views_of",
]
