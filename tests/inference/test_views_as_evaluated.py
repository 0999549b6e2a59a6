"""New X-rays are looked at as the evaluation looked at its images, so that what it learned about uncertainty holds."""

from pathlib import Path

import numpy as np
import pytest
from kedro.config import OmegaConfigLoader

from ceph_pipeline import settings
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.detector.description import views_in_words
from ceph_pipeline.evaluation import EvaluationParams, ViewGrid
from ceph_pipeline.evaluation.params import TestTimeAugmentation
from ceph_pipeline.inference import InferenceParams, LandmarkDetector
from ceph_pipeline.views import Views

CONF = Path(__file__).parents[2] / "conf"
DOTS = np.array([(411.3, 287.8), (655.6, 702.1)])
ENVS = sorted(file.parent.name for file in CONF.glob("*/globals.yml") if file.parent.name != "local")


def words(looked_at: TestTimeAugmentation | InferenceParams) -> str:
    return views_in_words(looked_at.views_stage1, looked_at.fusion, looked_at.views_stage2)


@pytest.mark.parametrize("env", ENVS)
def test_in_every_environment(env: str) -> None:
    parameters = OmegaConfigLoader(str(CONF), env=env, **settings.CONFIG_LOADER_ARGS)["parameters"]
    evaluated = EvaluationParams.model_validate(parameters["evaluation"])
    asked = InferenceParams.model_validate(parameters["inference"])
    assert words(asked) == words(evaluated.tta)
    assert asked.refinement == evaluated.refinement


def test_the_environments_are_all_there() -> None:
    assert ENVS == ["base", "demo", "isbi2015"]


def test_by_the_models_own_defaults() -> None:
    assert words(InferenceParams()) == words(TestTimeAugmentation()) == "ten views fused by mean, then ten views"


class TestDetector:
    @pytest.mark.parametrize(
        ("views", "stage"),
        [("single", "stage2"), (ViewGrid(), "stage2"), (ViewGrid(scales=(0.9,)), "stage2_tta"), ("grid", "stage2_tta")],
        ids=str,
    )
    def test_points_from_the_plain_frame_alone_are_not_called_augmented(
        self, dot_finder: TrainedNet, dot_refiner: TrainedNet, views: Views, stage: str
    ) -> None:
        assert LandmarkDetector([dot_finder], [dot_refiner], views_stage1=views).stage == stage
        assert LandmarkDetector([dot_finder], [dot_refiner], views_stage2=views).stage == stage

    def test_views_without_the_plain_frame_find_the_dots_too(
        self, dot_finder: TrainedNet, dot_refiner: TrainedNet, dotted: np.ndarray
    ) -> None:
        grid = ViewGrid(flips=(False, True), scales=(0.9, 1.1), rotations_deg=(-5, 5))
        alone = LandmarkDetector([dot_finder], [], views_stage1=grid).predict([dotted], pixel_size_mm=0.1)
        both = LandmarkDetector([dot_finder], [dot_refiner], views_stage1=grid, views_stage2=grid)
        refined = both.predict([dotted], pixel_size_mm=0.1)
        np.testing.assert_allclose(alone[["x", "y"]], DOTS, atol=0.5)
        np.testing.assert_allclose(refined[["x", "y"]], DOTS, atol=0.15)
        assert refined["stage"].unique() == ["stage2_tta"]
