"""Test-time augmentation: views of one frame, and the fusion of what a network sees in them. Everything here is geometry."""

from ceph_pipeline.evaluation.tta.choice import GRID_VIEWS, TEN_VIEWS, Views, views_in_words, views_of
from ceph_pipeline.evaluation.tta.fusion import Fusion, fuse_views
from ceph_pipeline.evaluation.tta.grid import ViewGrid
from ceph_pipeline.evaluation.tta.view import View

__all__ = [
    "GRID_VIEWS",
    "TEN_VIEWS",
    "Fusion",
    "View",
    "ViewGrid",
    "Views",
    "fuse_views",
    "views_in_words",
    "views_of",
]
