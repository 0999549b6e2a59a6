"""The recipe as configuration: read, checked arithmetically, refused with the way out."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from ceph_pipeline.augmentation import AugmentationParams
from ceph_pipeline.augmentation.braces import Braces
from ceph_pipeline.augmentation.copy_counts import check_total
from ceph_pipeline.augmentation.params import OnlineRecipe
from ceph_pipeline.configuration import ConfigLoader

CONF = Path(__file__).parents[2] / "conf"
SPLITS = {"train": 700, "valid": 150, "test": 150}


def shipped_params(env):
    merge = {"parameters": "soft", "globals": "soft"}
    loader = ConfigLoader(str(CONF), base_env="base", default_run_env="local", env=env, merge_strategy=merge)
    return AugmentationParams.model_validate(loader["parameters"]["augmentation"])


class TestValid:
    def test_the_shipped_recipe_makes_6500_of_1000(self):
        params = shipped_params("base")
        assert params.target_total == 6500
        assert list(params.recipe) == ["original", "flip", "rotation", "brightness", "braces"]
        assert check_total(params.recipe, SPLITS, 6500) is None

    def test_the_demo_makes_312_of_48(self):
        params = shipped_params("demo")
        assert check_total(params.recipe, {"train": 34, "valid": 7, "test": 7}, 312) is None
        assert params.target_total is None

    def test_isbi_copies_only_training_images_and_has_no_flips_or_braces(self):
        params = shipped_params("isbi2015")
        assert list(params.recipe) == ["original", "rotation", "brightness"]
        assert check_total(params.recipe, {"train": 135, "valid": 15, "test": 150}, 5 * 135 + 15 + 150) is None

    def test_null_leaves_a_kind_out(self, params_of):
        assert list(params_of(recipe={"original": {}, "flip": None}).recipe) == ["original"]

    def test_a_kind_may_stand_under_another_name(self, params_of):
        recipe = params_of(recipe={"tilt": {"type": "rotation", "angles_deg": [2]}}).recipe
        assert recipe["tilt"].copies == 1

    def test_settings_survive_the_way_through_json(self, params_of):
        params = params_of(recipe={"braces": {"wire_mm": 0.4}})
        assert params.model_dump(mode="json")["recipe"]["braces"]["wire_mm"] == 0.4
        assert isinstance(params.recipe["braces"], Braces)

    def test_a_recipe_on_the_fly_survives_the_way_through_json(self):
        adapter = TypeAdapter(OnlineRecipe)
        recipe = adapter.validate_python({"flip": {"probability": 0.5}, "gamma": None, "lean": {"type": "affine"}})
        assert list(recipe) == ["flip", "lean"]
        assert adapter.validate_json(adapter.dump_json(recipe)) == recipe


class TestInvalid:
    def test_a_recipe_that_does_not_add_up_is_refused_with_the_arithmetic(self, params_of):
        recipe = {"original": {}, "flip": {}, "rotation": {}, "brightness": {"dose_stops": [[0.4, 0.6]]}, "braces": {"every": 2}}
        with pytest.raises(ValidationError) as error:
            params_of(recipe=recipe, target_total=6500, target_sources=SPLITS)
        arithmetic = "original 1 × 1,000 + flip 1 × 1,000 + rotation 2 × 1,000 + brightness 1 × 1,000 + braces 1 × 500 = 5,500"
        assert arithmetic in str(error.value)
        assert "target_total is 6,500" in str(error.value)

    def test_an_unknown_kind_suggests_the_nearest(self, params_of):
        with pytest.raises(ValidationError, match=r"unknown augmentation kind 'rotaton'\. Did you mean 'rotation'\?"):
            params_of(recipe={"rotaton": {}})

    @pytest.mark.parametrize(
        ("recipe", "message"),
        [
            ({"rotation": {"angle": [7]}}, "angle"),
            ({"rotation": {"angles_deg": []}}, "angles_deg"),
            ({"flip": {"every": 0}}, "every"),
            ({"flip": {"splits": ["training"]}}, "splits"),
            ({"flip": 2}, "expected the kind's settings"),
            ({"../flip": {"type": "flip"}}, "part of file names"),
            ({"schärfe": {"type": "flip"}}, "use letters a-z"),
            ({"brightness": {"dose_stops": [[0.2, 0.1]]}}, "lower end"),
            ({"brightness": {"dose_stops": [[0.5, 9.5]]}}, "too extreme"),
            ({"scanner_lines": {"lines": [6, 2]}}, r"scanner_lines\.lines = \[6, 2\]: the lower end 6 is above the upper end 2"),
            ({"scanner_lines": {"banding": [-0.01, -0.01]}}, r"scanner_lines\.banding\.0 = -0\.01: .* or equal to 0"),
            ({"scanner_lines": {"width_mm": [-1, 1]}}, "contains values below 0"),
            ({"collimator": {"edges": [3, 1]}}, r"collimator\.edges = \[3, 1\]: the lower end"),
            ({"collimator": {"edges": [5, 9]}}, r"collimator\.edges\.0 = 5: .* or equal to 4"),
            ({"collimator": {"depth": [0.1, 1.1]}}, r"collimator\.depth\.1 = 1\.1: .* or equal to 1"),
            ({"collimator": {"tilt_deg": [0, 90]}}, r"collimator\.tilt_deg\.1 = 90: .* or equal to 45"),
            ({"collimator": {"penumbra_mm": [0, 0]}}, r"collimator\.penumbra_mm\.0 = 0: .* greater than 0"),
            ({"scatter": {"share": [3, 3]}}, r"scatter\.share\.0 = 3: .* or equal to 1"),
            ({"burned_in_marks": {"scale_cm": [8, 3]}}, r"burned_in_marks\.scale_cm = \[8, 3\]: the lower end"),
            ({"burned_in_marks": {"scale_cm": [-3, -2]}}, r"burned_in_marks\.scale_cm\.0 = -3: .* or equal to 1"),
            ({"burned_in_marks": {"opacity": [0.5, 3]}}, r"burned_in_marks\.opacity\.1 = 3: .* or equal to 1"),
            ({"burned_in_marks": {"height_mm": [0, 5]}}, r"burned_in_marks\.height_mm\.0 = 0: .* greater than 0"),
            ({"cutout": {"side": [-0.1, 0.1]}}, r"cutout\.side\.0 = -0\.1: .* or equal to 0"),
            ({"mine": {"type": "no_such_package.Kind"}}, "cannot be imported"),
            ({"mine": {"type": "pathlib.Path"}}, "is not a subclass"),
            ([], "dictionary"),
            ({}, "at least 1"),
        ],
    )
    def test_a_wrong_entry_is_named(self, params_of, recipe, message):
        with pytest.raises(ValidationError, match=message):
            params_of(recipe=recipe)

    def test_a_misspelt_setting_suggests_the_nearest(self, params_of):
        with pytest.raises(ValidationError, match=r"rotation\.angle_deg: no such setting\. Did you mean 'angles_deg'\?"):
            params_of(recipe={"rotation": {"angle_deg": [7]}})

    def test_a_setting_that_does_not_exist_is_answered_by_those_that_do(self, params_of):
        with pytest.raises(ValidationError, match=r"brightness\.shifts: no such setting.*dose_stops"):
            params_of(recipe={"brightness": {"shifts": [[-0.35, -0.15]]}})

    def test_a_probability_in_the_recipe_of_copies_is_refused_with_the_way_out(self, params_of):
        with pytest.raises(ValidationError, match=r"flip\.probability = 0\.5: a copy has no probability. Set `every: 2`"):
            params_of(recipe={"flip": {"probability": 0.5}})

    @pytest.mark.parametrize("entry", [{"every": 2}, {"splits": ["train"]}])
    def test_sources_are_not_chosen_on_the_fly(self, entry):
        with pytest.raises(ValidationError, match="on the fly set `probability`"):
            TypeAdapter(OnlineRecipe).validate_python({"flip": entry})

    @pytest.mark.parametrize(
        "setting", [{"n_jobs": 0}, {"n_jobs": -2}, {"cache_long_side": 8}, {"seeds": 1}, {"backend": "spark"}]
    )
    def test_a_setting_out_of_range_or_misspelt_is_named(self, params_of, setting):
        with pytest.raises(ValidationError, match=next(iter(setting))):
            params_of(**setting)
