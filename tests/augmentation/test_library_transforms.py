"""Transforms of albumentations move nothing, keep size and depth and follow the copy's draws; all others are refused."""

import contextlib
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from ceph_pipeline.augmentation import RecipeError, Source
from ceph_pipeline.augmentation.kinds import random_generator
from ceph_pipeline.augmentation.library import SHIFTING, LibraryTransform, albumentations, apply, pixel_level
from ceph_pipeline.augmentation.params import OnlineRecipe
from ceph_pipeline.training.augment_online import draw_changes

SIZE = (241, 201)
DOTS = np.array([[60.0, 50.0], [139.3, 138.6], [160.25, 80.75], [70.5, 130.5]])
SOURCE = Source("dots", "dots.png", SIZE, 1.0, {str(n): (x, y) for n, (x, y) in enumerate(DOTS)})
SHARPEN = {"transform": "Sharpen", "settings": {"alpha": [0.2, 0.5], "lightness": [1, 1]}}
STILL = {
    "Sharpen": SHARPEN["settings"],
    "UnsharpMask": {},
    "GaussianBlur": {"sigma_limit": [1, 2]},
    "Defocus": {},
    "RingingOvershoot": {},
    "RandomBrightnessContrast": {"brightness_limit": 0.1, "contrast_limit": 0.1},
}
NOISE = ["GaussNoise", "ShotNoise", "AdditiveNoise", "MultiplicativeNoise", "SaltAndPepper", "ColorJitter"]


def draw_dots(dtype=np.uint8):
    columns, rows = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    light = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) for x, y in DOTS)
    return np.rint((0.1 + 0.8 * light) * np.iinfo(dtype).max).astype(dtype)


def peak(image, near):
    """Centre of mass of what is brighter than its surroundings, within 6.5 px."""
    x0, y0 = np.rint(near).astype(int)
    window = image[y0 - 7 : y0 + 8, x0 - 7 : x0 + 8].astype(float)
    rows, columns = np.mgrid[-7:8, -7:8]
    disc = np.hypot(columns - (near[0] - x0), rows - (near[1] - y0))
    weight = np.clip(window - window[disc > 6].mean(), 0, None) * np.clip(6.5 - disc, 0, 1)
    return np.array([x0 + (columns * weight).sum() / weight.sum(), y0 + (rows * weight).sum() / weight.sum()])


def displacement(before, after):
    return max(np.abs(peak(after, dot) - peak(before, dot)).max() for dot in DOTS)


def changed(kind, image, seed=0):
    return kind.change(SOURCE, 0, random_generator(seed, "dots", "library", 0)).pixels(image)


class TestStill:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    @pytest.mark.parametrize("name", STILL)
    def test_no_dot_leaves_its_place(self, name, dtype):
        image = draw_dots(dtype)
        after = changed(LibraryTransform(transform=name, settings=STILL[name]), image)
        assert (after.shape, after.dtype) == (image.shape, dtype)
        assert not np.array_equal(after, image)
        assert displacement(image, after) < 0.02

    @pytest.mark.parametrize("name", sorted(SHIFTING))
    def test_what_is_refused_for_displacing_does_displace(self, name):
        image = draw_dots()
        assert np.nanmax([displacement(image, apply(name, {}, image, seed)) for seed in range(16)]) > 0.3

    def test_points_stay_exactly(self):
        change = LibraryTransform(**SHARPEN).change(SOURCE, 0, np.random.default_rng(0))
        np.testing.assert_array_equal(change.points(DOTS), DOTS)

    def test_sharpening_makes_an_edge_steeper_and_keeps_flat_grey(self):
        image = np.full((64, 64), 80, np.uint8)
        image[:, 30:34], image[:, 34:] = np.array([96, 112, 128, 144], np.uint8), 160
        after = changed(LibraryTransform(**SHARPEN), image)
        assert np.diff(after[32].astype(int)).max() > np.diff(image[32].astype(int)).max()
        np.testing.assert_array_equal(after[:, [5, 60]], image[:, [5, 60]])


class TestPixels:
    @pytest.mark.parametrize("name", NOISE)
    def test_the_same_draws_give_the_same_bytes_and_others_do_not(self, name):
        image, kind = draw_dots(), LibraryTransform(transform=name)
        first = changed(kind, image)
        changed(kind, image, seed=1)  # leaves no trace
        np.testing.assert_array_equal(changed(pickle.loads(pickle.dumps(kind)), image), first)  # noqa: S301 - its own bytes
        assert not np.array_equal(changed(kind, image, seed=1), first)

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_no_transform_writes_into_the_source(self, dtype):
        image = draw_dots(dtype)
        before = image.copy()
        image.setflags(write=False)  # as a memory-mapped cache is
        for name in set(pixel_level()) - {"TextImage"}:  # wants a font
            with contextlib.suppress(RecipeError):  # colour, or 8 bits only
                apply(name, {}, image, 0)
            np.testing.assert_array_equal(image, before, err_msg=name)

    def test_16_bits_keep_their_depth(self):
        image = np.linspace(0, 65535, 120 * 100).round().astype(np.uint16).reshape(100, 120)
        after = changed(LibraryTransform(transform="RandomGamma"), image)
        assert len(np.unique(after)) > 8000

    def test_the_white_of_a_12_bit_image_is_not_passed(self):
        image = draw_dots(np.uint16) >> 4
        assert 3000 < changed(LibraryTransform(**SHARPEN), image).max() <= 4095

    @pytest.mark.parametrize("name", ["CLAHE", "Equalize", "ImageCompression"])
    def test_16_bits_are_not_cut_down_to_8(self, name):
        kind = LibraryTransform(transform=name)
        assert changed(kind, draw_dots()).dtype == np.uint8
        with pytest.raises(RecipeError, match=rf"albumentations\.{name} works with 8 bits"):
            changed(kind, draw_dots(np.uint16))

    def test_a_black_16_bit_image_is_no_reason_to_complain(self):
        black = np.zeros((64, 64), np.uint16)
        np.testing.assert_array_equal(changed(LibraryTransform(**SHARPEN), black), black)


class TestRecipes:
    def test_copies_carry_a_transform_whoever_makes_them(self, new_study, tmp_path):
        recipe = {"original": {}, "grain": {"type": "albumentations", "transform": "AdditiveNoise", "n_copies": 2}}
        made = []
        for settings in ({"n_jobs": 1}, {"n_jobs": 2, "backend": "threading"}):
            study = new_study(tmp_path / str(len(made)), {"train": 2, "valid": 1, "test": 1})
            tables = study.augment(recipe=recipe, **settings)
            made.append({name: content for name, content in study.files().items() if "grain" in name})
        assert len(tables["augmented_images"]) == 12
        assert made[0] == made[1]
        assert len(set(made[0].values())) == 16  # full-size and training copies of two copies of four sources

    def test_training_samples_are_changed_by_the_same_kind(self):
        recipe = TypeAdapter(OnlineRecipe).validate_python({"sharpness": {"type": "albumentations", **SHARPEN}})
        drawn = draw_changes(recipe, SOURCE, np.random.default_rng(0))
        image = draw_dots()
        assert drawn.levels(image).shape == image.shape
        np.testing.assert_array_equal(drawn.moved(DOTS), DOTS)

    def test_the_ruler_preset_sharpens(self):
        preset = yaml.safe_load((Path(__file__).parents[2] / "conf" / "presets" / "ruler.yml").read_text())
        recipe = TypeAdapter(OnlineRecipe).validate_python(preset["run"]["params"]["stage1"]["augmentation"])
        assert isinstance(recipe["sharpness"], LibraryTransform)

    def test_settings_survive_the_way_through_json(self):
        adapter = TypeAdapter(OnlineRecipe)
        recipe = adapter.validate_python({"sharpness": {"type": "albumentations", **SHARPEN}})
        assert adapter.validate_json(adapter.dump_json(recipe)) == recipe


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "own"),
        [
            ("Rotate", "rotation"),
            ("ElasticTransform", "elastic"),
            ("HorizontalFlip", "flip"),
            ("ShiftScaleRotate", "affine"),
            ("RandomCrop", "affine"),
            ("CoarseDropout", "cutout"),
        ],
    )
    def test_a_spatial_transform_names_the_kind_to_take(self, name, own):
        with pytest.raises(ValidationError, match=rf"would move structures without their landmarks.* project's kind `{own}`"):
            LibraryTransform(transform=name)

    def test_motion_blur_shifts_and_ours_does_not(self):
        with pytest.raises(ValidationError, match=r"displaces structures.*Use `blur` with `shape: motion`"):
            LibraryTransform(transform="MotionBlur")

    @pytest.mark.parametrize(("name", "nearest"), [("Sharpn", "Sharpen"), ("GausianBlur", "GaussianBlur"), ("clahe", "CLAHE")])
    def test_an_unknown_name_suggests_the_nearest(self, name, nearest):
        with pytest.raises(ValidationError, match=rf"no such transform\. Did you mean '{nearest}'\?"):
            LibraryTransform(transform=name)

    @pytest.mark.parametrize("name", ["core", "Compose", "BasicTransform", "ImageOnlyTransform", "xyz"])
    def test_what_is_no_transform_is_refused(self, name):
        with pytest.raises(ValidationError):
            LibraryTransform(transform=name)

    @pytest.mark.parametrize(
        ("name", "settings", "message"),
        [
            ("Sharpen", {"alhpa": [0.2, 0.5]}, r"Sharpen has no argument 'alhpa'\. Did you mean 'alpha'\?"),
            ("Sharpen", {"zzz": 1}, "Known here: alpha, kernel_size, lightness, method, sigma"),
            ("MedianBlur", {"zzz": 1}, "Known here: blur_limit"),
            ("Sharpen", {"alpha": [0.2, 3]}, "Sharpen rejects these settings: alpha"),
            ("Sharpen", {"alpha": "much"}, "Sharpen rejects these settings: alpha"),
            ("Sharpen", {"p": 0.3}, "`p` is not supported"),
            ("Sharpen", {"alpha": [0, 0]}, "does not change grey images"),
            ("ToGray", {}, "does not change grey images"),
            ("ISONoise", {}, "cannot change grey images of uint8: This transformation expects 3-channel"),
            ("HistogramMatching", {}, "cannot change grey images"),
            ("TextImage", {}, "TextImage rejects these settings: font_path"),
            ("ToRGB", {}, "a copy must have its source's size and depth"),
            ("Normalize", {}, "a copy must have its source's size and depth"),
        ],
    )
    def test_wrong_settings_are_refused_before_anything_runs(self, name, settings, message):
        with pytest.raises(ValidationError, match=message):
            LibraryTransform(transform=name, settings=settings)

    def test_the_message_names_the_place_in_the_recipe(self, params_of):
        recipe = {"original": {}, "sharpness": {"type": "albumentations", "transform": "Rotate"}}
        with pytest.raises(ValidationError, match=r"sharpness\.transform = 'Rotate': the transform is spatial"):
            params_of(recipe=recipe)


@pytest.mark.slow
def test_torch_can_be_loaded_afterwards():
    code = "from ceph_pipeline.augmentation import library; library.albumentations(); import timm, torch; print(torch.ones(1))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tensor([1.])"]


def test_the_pinned_version_is_the_one_that_was_measured():
    assert albumentations().__version__ == "2.0.8"
