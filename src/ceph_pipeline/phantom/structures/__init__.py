"""The anatomical structures of a lateral cephalogram, each drawn from the landmarks on it.

Every function receives a canvas and a face, and adds attenuation. The order does not matter, since attenuation is additive.
Amounts are in millimetres of water. Offsets are (forward, up) in millimetres of an average skull.
"""

from ceph_pipeline.phantom.structures.apparatus import draw_ear_rods, draw_ruler
from ceph_pipeline.phantom.structures.cranium import draw_cranium
from ceph_pipeline.phantom.structures.mandible import draw_mandible
from ceph_pipeline.phantom.structures.midface import draw_midface
from ceph_pipeline.phantom.structures.skull_base import draw_skull_base
from ceph_pipeline.phantom.structures.soft_tissue import draw_soft_tissue
from ceph_pipeline.phantom.structures.spine import draw_spine
from ceph_pipeline.phantom.structures.teeth import draw_teeth

__all__ = [
    "draw_cranium",
    "draw_ear_rods",
    "draw_mandible",
    "draw_midface",
    "draw_ruler",
    "draw_skull_base",
    "draw_soft_tissue",
    "draw_spine",
    "draw_teeth",
]
