"""Test-time augmentation: views of one frame, and the fusion of what a network sees in them. Everything here is geometry."""

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
