"""What a kind does reaches the network: its input, shrunk, normalised and warped as the project does it, is another one.

A change that the normalisation takes back, as it does with everything affine in grey levels, would fill a training set with
duplicates and a robustness table with zeros.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter

from ceph_pipeline.augmentation import KINDS, Kind, Source
from ceph_pipeline.augmentation.kinds import DrawnKind, random_generator
from ceph_pipeline.augmentation.library import LibraryTransform
from ceph_pipeline.augmentation.params import OnlineRecipe, Recipe
from ceph_pipeline.augmentation.transforms import Tone, Transform
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.images.shrink import shrink_to
from ceph_pipeline.landmarks import Affine, find
from ceph_pipeline.phantom.drawing import draw_cephalogram
from ceph_pipeline.phantom.specimen import sample_specimen, stream
from ceph_pipeline.training.augment_online import draw_changes

CONF = Path(__file__).parents[2] / "conf"
CACHE_LONG_SIDE, INPUT = 512, (512, 512)

LEAST_RMS = 0.02
"""Of the difference between two inputs, in standard deviations of the image; rounding to grey levels leaves 0.005."""

LEAST_RMS_OF = {"blur": 0.015, "scanner_lines": 0.008}
"""Kinds that change fine structure only, which most of an image's pixels do not show."""


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """A configuration on top of another, as Kedro's loader is told to merge them."""
    both = {k: merged(below[k], v) for k, v in above.items() if isinstance(v, dict) and isinstance(below.get(k), dict)}
    return below | above | both


def parameters(name: str) -> dict[str, dict[str, Any]]:
    """A file of parameters of every environment, and of every preset, each on top of base."""
    base = yaml.safe_load((CONF / "base" / f"{name}.yml").read_text())
    found = {"base": base}
    for file in CONF.glob(f"*/{name}.yml"):
        found[file.parent.name] = merged(base, yaml.safe_load(file.read_text()))
    for file in (CONF / "presets").glob("*.yml"):
        given = yaml.safe_load(file.read_text())["run"]["params"]
        found[f"preset {file.stem}"] = merged(base, {key: value for key, value in given.items() if key in base})
    return found


def kinds_of(adapter: TypeAdapter[Any], *places: tuple[str, str, str]) -> list[Any]:
    """Every kind, with other settings each, that shipped configurations ask for: (file, block, key)."""
    found = {}
    for file, block, key in places:
        for environment, content in parameters(file).items():
            for name, kind in adapter.validate_python(content[block][key]).items():
                if name != "original":
                    found.setdefault(f"{name} {kind.model_dump_json()}", pytest.param(kind, id=f"{environment}-{block}-{name}"))
    return list(found.values())


OF_COPIES = kinds_of(TypeAdapter(Recipe), ("parameters_augmentation", "augmentation", "recipe"))
ON_THE_FLY = kinds_of(
    TypeAdapter(OnlineRecipe),
    ("parameters_stage1", "stage1", "augmentation"),
    ("parameters_stage2", "stage2", "augmentation"),
)
REGISTERED = [
    LibraryTransform(transform="Sharpen") if kind is LibraryTransform else kind()
    for name, kind in KINDS.items()
    if name != "original"
]


@pytest.fixture(scope="module")
def phantom() -> tuple[np.ndarray, Source]:
    specimen = sample_specimen(0, 5, 900)
    landmarks = {find(symbol).name: (float(x), float(y)) for symbol, (x, y) in specimen.landmarks_px().items()}
    pixels = draw_cephalogram(specimen, stream(5, 0, 1))
    return pixels, Source("phantom", "phantom.png", specimen.size, specimen.pixel_size_mm, landmarks)


def network_input(pixels: np.ndarray, affine: Affine | None = None) -> np.ndarray:
    """As a validation image reaches the network."""
    small = shrink_to(pixels, CACHE_LONG_SIDE)
    return warped(normalise(small), (small.shape[1], small.shape[0]), affine)


def warped(levels: np.ndarray, size: tuple[int, int], affine: Affine | None = None) -> np.ndarray:
    to_input = (affine or Affine.identity()).then(Affine.letterbox(size, INPUT))
    return cv2.warpAffine(levels, to_input.matrix, INPUT, flags=cv2.INTER_LINEAR)


def rms(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first - second) ** 2)))


def least_of_copies(kind: Kind, pixels: np.ndarray, source: Source) -> float:
    """The smallest difference among the kind's copies with four seeds each."""
    plain = network_input(pixels)
    return min(
        rms(network_input(kind.change(source, copy, random_generator(seed, "phantom", "kind", copy)).pixels(pixels)), plain)
        for copy in range(kind.copies)
        for seed in range(4)
    )


def difference_on_the_fly(kind: Kind, pixels: np.ndarray, source: Source) -> float:
    """Root mean square over sixteen samples that are changed; a range may have no change within it."""
    small = shrink_to(pixels, CACHE_LONG_SIDE)
    size = (small.shape[1], small.shape[0])
    to_small = Affine.resize(source.size, size)
    points = {name: tuple(to_small(np.array(point)).tolist()) for name, point in source.landmarks.items()}
    shown = Source("phantom", "", size, source.pixel_size_mm * source.size[0] / size[0], points)
    always, plain = kind.model_copy(update={"probability": 1.0}), warped(normalise(small), size)
    drawn = [draw_changes({"kind": always}, shown, np.random.default_rng(seed)) for seed in range(16)]
    return float(np.sqrt(np.mean([rms(warped(d.levels(small), size, d.affine), plain) ** 2 for d in drawn])))


def name_of(kind: Kind) -> str:
    return next(name for name, registered in KINDS.items() if type(kind) is registered)


def least(kind: Kind) -> float:
    return LEAST_RMS_OF.get(name_of(kind), LEAST_RMS)


@pytest.mark.parametrize("kind", REGISTERED, ids=name_of)
def test_every_registered_kind_changes_the_input_of_copies_and_samples(kind, phantom):
    assert least_of_copies(kind, *phantom) >= least(kind)
    assert difference_on_the_fly(kind, *phantom) >= least(kind)


@pytest.mark.parametrize("kind", OF_COPIES)
def test_every_kind_of_the_shipped_recipes_makes_copies_that_differ(kind, phantom):
    assert least_of_copies(kind, *phantom) >= least(kind)


@pytest.mark.parametrize("kind", ON_THE_FLY)
def test_every_kind_of_the_shipped_trainings_makes_samples_that_differ(kind, phantom):
    assert difference_on_the_fly(kind, *phantom) >= least(kind)


class Affinely(DrawnKind):
    """Another mean and another contrast, and nothing else."""

    factor: float
    offset: float

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        return Transform(Tone(lambda levels, mean: self.factor * levels + self.offset))


@pytest.mark.parametrize(("factor", "offset"), [(0.7, 0.3), (0.7, 0.0), (0.6, 0.2)])
def test_what_the_normalisation_takes_back_would_be_found_out(factor, offset, phantom):
    kind = Affinely(factor=factor, offset=offset)
    assert least_of_copies(kind, *phantom) < LEAST_RMS / 2
    assert difference_on_the_fly(kind, *phantom) < LEAST_RMS / 2


def test_a_sample_changed_on_the_fly_is_what_the_same_copy_would_be(phantom):
    """Up to the rounding of the copy's grey levels."""
    pixels, source = phantom
    kind = KINDS["brightness"](dose_stops=[[0.6, 0.6]])
    drawn = draw_changes({"brightness": kind}, source, np.random.default_rng(0))
    copy = kind.change(source, 0, np.random.default_rng(0)).pixels(pixels)
    assert np.abs(drawn.levels(pixels) - normalise(copy)).max() < 0.6 / copy.std()
