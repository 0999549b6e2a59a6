"""What a training sample costs beside the work that no sample can do without."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from ceph_pipeline.images import ImageStore
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.training.params import Stage1Params
from ceph_pipeline.training.whole_images import WholeImageDataset, WholeImages

CONF = Path(__file__).parents[2] / "conf"
N, INPUT, CACHED, ORIGINAL = 32, (512, 512), (413, 512), (1935, 2400)


@pytest.fixture
def cache(tmp_path):
    store, rng = ImageStore(str(tmp_path), format="npy"), np.random.default_rng(0)
    for number in range(N):
        store.write(f"film_{number}", rng.integers(0, 255, CACHED[::-1], dtype=np.uint8))
    return store


def samples(cache):
    """Stage 1's training samples as the shipped parameters make them."""
    rng = np.random.default_rng(1)
    data = WholeImages(
        image_ids=[f"film_{number}" for number in range(N)],
        sizes=np.tile(ORIGINAL, (N, 1)),
        points=rng.uniform(0, ORIGINAL, (N, 29, 2)),
        pixel_size_mm=np.full(N, 0.1),
        cvm_stage=np.ones(N, np.int64),
        measurements=np.zeros((N, 10)),
        landmarks=tuple(str(n) for n in range(29)),
    )
    shipped = yaml.safe_load((CONF / "base" / "parameters_stage1.yml").read_text())["stage1"]["augmentation"]
    params = Stage1Params.model_validate({"augmentation": shipped})
    return WholeImageDataset(data, cache, INPUT, "letterbox", seed=0, augmentation=params.augmentation)


def bare(cache, number):
    """Read from the memory map, normalise, warp once: nothing drawn, no points, no tensors."""
    image = normalise(np.load(cache.location(f"film_{number}"), mmap_mode="r"))
    turn = cv2.getRotationMatrix2D((206, 256), 5.0, 1.1)
    return cv2.warpAffine(image, turn, INPUT, flags=cv2.INTER_LINEAR)


def cpu_seconds(make, epoch):
    """Of one sample, on average over all images."""
    start = time.process_time()
    for number in range(N):
        make(epoch, number)
    return (time.process_time() - start) / N


@pytest.mark.slow
def test_all_kinds_of_the_recipe_cost_no_second_warp(cache):
    """Reading, normalising and warping is the floor; drawing, composing and the targets stay below as much again.

    The best of rounds that alternate counts: whatever else the machine does, both meet.
    """
    cv2.setNumThreads(1)
    dataset, times = samples(cache), []
    for epoch in range(30):
        floor = cpu_seconds(lambda _, number: bare(cache, number), epoch)
        times.append((floor, cpu_seconds(lambda *draw: dataset[draw], epoch)))
    floor, sample = np.min(times, axis=0)
    assert sample < 2.0 * floor, f"{1e6 * sample:.0f} µs a sample, {1e6 * floor:.0f} µs bare: {sample / floor:.2f}"
