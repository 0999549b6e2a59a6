"""Everything a lateral cephalogram shows, each structure drawn from the landmarks that name points on it.

Every function takes a canvas and a face and adds attenuation; order does not matter, since attenuation adds up.
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
