"""What a detector's points are made from, in words."""

from ceph_pipeline.crops.params import RefinementParams
from ceph_pipeline.views import Fusion, Views, views_of
from ceph_pipeline.views.choice import VIEW_SETS


def views_in_words(stage1: Views, fusion: Fusion, stage2: Views | None = None, refinement: RefinementParams | None = None) -> str:
    """What points were made from, such as `ten views fused by mean, then single`; uncertainty is learned for one such way.

    Grids of the same views have the same words, those of a named set its name. How the crops' answers are fused is said where
    it is given and there is a stage 2.
    """
    first = _words(stage1) if len(views_of(stage1)) == 1 else f"{_words(stage1)} fused by {fusion}"
    if stage2 is None:
        return first
    return f"{first}, then {_words(stage2)}" + (f" ({refinement})" if refinement else "")


def _words(views: Views) -> str:
    asked = set(views_of(views))
    name = next((name for name, known in VIEW_SETS.items() if set(known) == asked), None)
    if name is None:
        return str(views)
    return name if name == "single" else f"{name} views"
