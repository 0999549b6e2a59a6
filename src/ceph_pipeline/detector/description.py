"""What a detector's points are made from, in words."""

from ceph_pipeline.detector.params import DetectorParams
from ceph_pipeline.views import Views, views_of
from ceph_pipeline.views.choice import VIEW_SETS


def views_in_words(params: DetectorParams, *, refined: bool) -> str:
    """Such as `ten views fused by mean, then single (…)`; uncertainty is learned for one such way.

    Grids of the same views have the same words, those of a named set its name.

    Args:
        params: Of the detector.
        refined: Whether stage 2 follows; then the words say how the crops' answers are fused.

    >>> views_in_words(DetectorParams(views_stage1="ten"), refined=False)
    'ten views fused by mean'
    """
    first = _words(params.views_stage1)
    if len(views_of(params.views_stage1)) > 1:
        first = f"{first} fused by {params.fusion}"
    return f"{first}, then {_words(params.views_stage2)} ({params.refinement})" if refined else first


def _words(views: Views) -> str:
    asked = set(views_of(views))
    name = next((name for name, known in VIEW_SETS.items() if set(known) == asked), None)
    if name is None:
        return str(views)
    return name if name == "single" else f"{name} views"
