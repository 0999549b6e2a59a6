"""Time that a detector spends apart from its networks, by part, from one run under Python's profiler.

A profiled run is slower than a timed run, so the figures are only useful as shares.
"""

from __future__ import annotations

import cProfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from torch.nn.modules.module import register_module_forward_hook

from ceph_pipeline.benchmark.forwards import NETS
from ceph_pipeline.benchmark.inference import PIXEL_SIZE_MM, load_untrained
from ceph_pipeline.benchmark.params import DetectorCase
from ceph_pipeline.benchmark.synthetic import draw_films
from ceph_pipeline.benchmark.timing import wait
from ceph_pipeline.crops import SourcePyramid
from ceph_pipeline.detector.forward import resolve_device
from ceph_pipeline.detector.framing import reduce
from ceph_pipeline.heatmaps import decode, to_heatmaps
from ceph_pipeline.images.normalise import normalise

if TYPE_CHECKING:
    import torch

PARTS = {
    "letterbox": (reduce.__code__,),
    "cutting": (SourcePyramid.cut.__code__,),
    "normalising": (normalise.__code__,),
    "decoding": (to_heatmaps.__code__, decode.__code__),
}
"""Functions of each part. Warps of whole images belong to the letterbox as well."""

_WARP = "<warpAffine>"
"""Name of `cv2.warpAffine` in the profile."""


def time_parts(predict: Callable[[], object], device: torch.device) -> dict[str, float]:
    """Time of each of `PARTS` in one run, in seconds; `other` is the rest without the networks.

    The device is synchronised after each forward pass, so that the time of the pass is not included in decoding.

    Args:
        predict: Function that runs a detector.
        device: Device of the detector's networks.
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
    """Time of the warps that `SourcePyramid.cut` did not call, in seconds."""
    seconds: float = sum(
        call.totaltime
        for entry in entries
        for call in entry.calls or ()
        if call.code == _WARP and entry.code not in PARTS["cutting"]
    )
    return seconds


@contextmanager
def _waited_for(device: torch.device) -> Iterator[Callable[..., None]]:
    """Synchronise the device after each forward pass of a network; yields the function that synchronises the device."""

    def waiting(module: torch.nn.Module, *_: object) -> None:
        if isinstance(module, NETS):
            wait(device)

    handle = register_module_forward_hook(waiting)
    try:
        yield waiting
    finally:
        handle.remove()


@click.command()
@click.option("--stage1-backbone", default="hrnet_w18_small", show_default=True)
@click.option("--width", default=512, show_default=True, help="Width of stage 1's input in px.")
@click.option("--height", default=640, show_default=True, help="Height of stage 1's input in px.")
@click.option("--stage2-backbone", default="hrnet_w18_small", show_default=True)
@click.option("--crop", default=128, show_default=True, help="Side of stage 2's crops in px.")
@click.option("--landmarks", default=29, show_default=True)
@click.option("--images", default=4, show_default=True, help="Number of films of 1935 × 2400 px.")
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda", "mps"]))
def main(
    stage1_backbone: str, width: int, height: int, stage2_backbone: str, crop: int, landmarks: int, images: int, device: str
) -> None:
    """Profile one run of a detector with random weights, and print the time of each part in milliseconds per image."""
    case = DetectorCase(
        stage1_backbone=stage1_backbone, width_px=width, height_px=height, stage2_backbone=stage2_backbone, crop_px=crop
    )
    where, films = resolve_device(device), draw_films(images)
    detector = load_untrained(case, landmarks, where)
    detector.predict(films[:1], pixel_size_mm=PIXEL_SIZE_MM)
    for part, seconds in time_parts(lambda: detector.predict(films, pixel_size_mm=PIXEL_SIZE_MM), where).items():
        click.echo(f"{part:12} {1000 * seconds / images:8.1f} ms per image")


if __name__ == "__main__":
    main()
