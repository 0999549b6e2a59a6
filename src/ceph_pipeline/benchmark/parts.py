"""Where a detector's time goes beside its networks: one run under Python's profiler, by the functions that do the work."""

from __future__ import annotations

import cProfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch.nn.modules.module import register_module_forward_hook

from ceph_pipeline.benchmark.timing import wait
from ceph_pipeline.crops import SourcePyramid
from ceph_pipeline.detector.framing import reduce
from ceph_pipeline.heatmaps import decode, to_heatmaps
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.models import LandmarkNet, RefinementNet

if TYPE_CHECKING:
    import torch

NETS = (LandmarkNet, RefinementNet)

PARTS = {
    "letterbox": (reduce.__code__,),
    "cutting": (SourcePyramid.cut.__code__,),
    "normalising": (normalise.__code__,),
    "decoding": (to_heatmaps.__code__, decode.__code__),
}
"""What counts as which part; warps that are not of crops are the letterbox's."""

_WARP = "<warpAffine>"
"""The profiler's name of `cv2.warpAffine`."""


def time_parts(predict: Callable[[], object], device: torch.device) -> dict[str, float]:
    """Seconds of each of `PARTS` in one run, and of everything else but the networks as `other`.

    The device is waited for after each forward pass, so that decoding does not pay for it.

    Args:
        predict: Runs a detector.
        device: Where its networks compute.
    """
    profile = cProfile.Profile()
    with _waited_for(device) as waiting:
        wait(device)
        start = time.perf_counter()
        profile.runcall(predict)
        whole = time.perf_counter() - start
    entries: list[Any] = profile.getstats()
    spent = {entry.code: entry.totaltime for entry in entries}
    parts = {name: sum(spent.get(code, 0.0) for code in codes) for name, codes in PARTS.items()}
    parts["letterbox"] += _warps_of_whole_images(entries)
    networks = sum(spent.get(code, 0.0) for code in (*(net.forward.__code__ for net in NETS), waiting.__code__))
    return parts | {"other": whole - networks - sum(parts.values())}


def _warps_of_whole_images(entries: list[Any]) -> float:
    """Seconds of the warps that `SourcePyramid.cut` did not call."""
    seconds: float = sum(
        call.totaltime
        for entry in entries
        for call in entry.calls or ()
        if call.code == _WARP and entry.code not in PARTS["cutting"]
    )
    return seconds


@contextmanager
def _waited_for(device: torch.device) -> Iterator[Callable[..., None]]:
    """Wait for the device after each forward pass of a network; gives the function that waits."""

    def waiting(module: torch.nn.Module, *_: object) -> None:
        if isinstance(module, NETS):
            wait(device)

    handle = register_module_forward_hook(waiting)
    try:
        yield waiting
    finally:
        handle.remove()
