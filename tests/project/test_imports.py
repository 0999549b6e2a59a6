"""What stays out of memory until it is needed: registering pipelines and reading parameters come before every run."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, pathlib, sys
heavy = {"torch", "torchvision", "lightning", "mlflow", "timm", "albumentations", "matplotlib", "scipy", "jinja2", "cv2"}
loaded = {}

def note(what):
    loaded[what] = sorted(heavy & set(sys.modules))

from ceph_pipeline.augmentation import AugmentationParams
AugmentationParams(recipe={"flip": {}, "braces": {}})
note("a recipe")
import ceph_pipeline.detector, ceph_pipeline.inference
import ceph_pipeline.pipelines.evaluation, ceph_pipeline.pipelines.inference
note("packages")
from kedro.framework.project import find_pipelines
from kedro.framework.startup import bootstrap_project
bootstrap_project(pathlib.Path.cwd())
find_pipelines(raise_errors=True)
note("registration")
AugmentationParams(recipe={"sharpness": {"type": "albumentations", "transform": "Sharpen"}})
note("a recipe of the library")
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def loaded(project):
    """What a fresh process has loaded after each step."""
    output = subprocess.run([sys.executable, "-c", PROGRAM], cwd=project, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


@pytest.mark.parametrize(
    ("step", "modules"),
    [
        ("a recipe", set()),
        ("packages", {"cv2"}),
        ("registration", {"cv2", "jinja2", "scipy"}),
        ("a recipe of the library", {"albumentations", "cv2", "jinja2", "scipy"}),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(loaded, step, modules):
    assert set(loaded[step]) <= modules


def test_the_library_of_transforms_comes_when_a_recipe_asks(loaded):
    assert "albumentations" in loaded["a recipe of the library"]
