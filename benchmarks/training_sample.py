"""Time of making a training sample of stage 1, compared with reading, normalising and warping alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cv2
import numpy as np
import torch
import yaml
from one_core import one_core

from ceph_pipeline.benchmark.timing import time_in_turn
from ceph_pipeline.images import ImageStore
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.training.params import Stage1Params
from ceph_pipeline.training.whole_images import WholeImageDataset, WholeImages

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONF = Path(__file__).parents[1] / "conf"
N_IMAGES, INPUT, CACHED, ORIGINAL = 32, (512, 512), (413, 512), (1935, 2400)


def draw_cache(folder: Path) -> ImageStore:
    """A training cache of images of noise."""
    store, rng = ImageStore(str(folder), format="npy"), np.random.default_rng(0)
    for number in range(N_IMAGES):
        store.write(f"film_{number}", rng.integers(0, 255, CACHED[::-1], dtype=np.uint8))
    return store


def samples(cache: ImageStore) -> WholeImageDataset:
    """Stage 1's training samples with the augmentation of `conf/base`."""
    rng = np.random.default_rng(1)
    data = WholeImages(
        image_ids=[f"film_{number}" for number in range(N_IMAGES)],
        sizes=np.tile(ORIGINAL, (N_IMAGES, 1)),
        points=rng.uniform(0, ORIGINAL, (N_IMAGES, 29, 2)),
        pixel_size_mm=np.full(N_IMAGES, 0.1),
        cvm_stage=np.ones(N_IMAGES, np.int64),
        landmarks=tuple(str(number) for number in range(29)),
    )
    shipped = yaml.safe_load((CONF / "base" / "parameters_stage1.yml").read_text(encoding="utf-8"))["stage1"]["augmentation"]
    params = Stage1Params.model_validate({"augmentation": shipped})
    return WholeImageDataset(data, cache, INPUT, "letterbox", seed=0, augmentation=params.augmentation)


def bare(cache: ImageStore, number: int) -> NDArray[np.float32]:
    """Read an image from the memory map, normalise it, and warp it once, without random numbers, points and tensors."""
    image = normalise(np.load(cache.location(f"film_{number}"), mmap_mode="r"))
    turn = cv2.getRotationMatrix2D((206, 256), 5.0, 1.1)
    return np.asarray(cv2.warpAffine(image, turn, INPUT, flags=cv2.INTER_LINEAR), np.float32)


@click.command()
@click.option("--iterations", default=30, show_default=True, help="Number of rounds over 32 images; the median is reported.")
@click.option("--warmup", default=3, show_default=True, help="Number of rounds before timing.")
def main(iterations: int, warmup: int) -> None:
    """Time stage 1's training samples on one core, compared with reading, normalising and warping alone."""
    with tempfile.TemporaryDirectory() as folder, one_core():
        cache = draw_cache(Path(folder))
        dataset = samples(cache)
        steps = {
            "bare": lambda: [bare(cache, number) for number in range(N_IMAGES)],
            "sample": lambda: [dataset[0, number] for number in range(N_IMAGES)],
        }
        timings = time_in_turn(steps, iterations, warmup, torch.device("cpu"))
    each = {name: timing.median_s / N_IMAGES for name, timing in timings.items()}
    click.echo(
        f"{1e6 * each['sample']:.0f} µs per sample, {1e6 * each['bare']:.0f} µs bare, ratio {each['sample'] / each['bare']:.2f}"
    )


if __name__ == "__main__":
    main()
