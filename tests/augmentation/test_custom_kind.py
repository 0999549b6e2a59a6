"""A kind of the user's own: a class, a name, nothing in the engine."""

import sys
import types

import numpy as np
import pytest

from ceph_pipeline.augmentation import KINDS, Kind, Transform, register
from ceph_pipeline.augmentation.provenance import OtherRecipeError


class Shadow(Kind):
    """The left part of the image under a veil."""

    depth: float = 0.5

    @property
    def copies(self):
        return 1

    def change(self, source, copy, rng):
        width = int(rng.integers(5, 50))

        def veil(image):
            dark = image.copy()
            dark[:, :width] = dark[:, :width] * (1 - self.depth)
            return dark

        return Transform(pixels=veil)


@pytest.fixture
def own_module(monkeypatch):
    module = types.ModuleType("my_kinds")
    module.Shadow = Shadow
    monkeypatch.setitem(sys.modules, "my_kinds", module)


def test_a_registered_kind_is_asked_for_by_name(study, monkeypatch):
    monkeypatch.setattr("ceph_pipeline.augmentation.kinds.KINDS", KINDS)
    register("shadow")(Shadow)
    try:
        tables = study.augment(recipe={"original": {}, "shadow": {"depth": 0.9}})
    finally:
        del KINDS["shadow"]
    dark = study.store.read("train_0000__shadow_0").astype(float)
    plain = study.store.read("train_0000__original_0").astype(float)
    assert dark[:, :5].mean() == pytest.approx(0.1 * plain[:, :5].mean(), abs=1)
    np.testing.assert_array_equal(dark[:, 50:], plain[:, 50:])
    assert set(tables["augmented_images"]["kind"]) == {"original", "shadow"}


def test_changed_code_of_an_own_kind_is_another_recipe(study, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    code = (
        "from ceph_pipeline.augmentation import Kind, Transform\n"
        "from ceph_pipeline.landmarks import Affine\n"
        "class Shift(Kind):\n"
        "    @property\n    def copies(self):\n        return 1\n"
        "    def change(self, source, copy, rng):\n        return Transform.warp(Affine.translation({}, 0))\n"
    )
    for pixels in (10, 30):
        (tmp_path / "shifting_kinds.py").write_text(code.format(pixels))
        monkeypatch.delitem(sys.modules, "shifting_kinds", raising=False)
        if pixels == 10:
            study.augment(recipe={"shifted": {"type": "shifting_kinds.Shift"}})
            continue
        with pytest.raises(OtherRecipeError, match=r"code of own kinds\.shifted was"):
            study.augment(recipe={"shifted": {"type": "shifting_kinds.Shift"}})


def test_a_kind_without_a_file_such_as_a_notebook_s_is_made(study, monkeypatch):
    monkeypatch.setitem(sys.modules, "notebook", types.ModuleType("notebook"))
    sys.modules["notebook"].Shadow = type("Shadow", (Shadow,), {"__module__": "notebook"})
    recipe = {"veiled": {"type": "notebook.Shadow", "splits": ["train"]}}
    assert study.augment(recipe=recipe)["augmented_images"]["image_id"].tolist()[0] == "train_0000__veiled_0"


def test_a_kind_outside_the_package_is_asked_for_by_its_path(study, own_module):
    tables = study.augment(recipe={"veiled": {"type": "my_kinds.Shadow", "splits": ["train"]}})
    assert tables["augmented_images"]["image_id"].tolist() == [f"train_000{number}__veiled_0" for number in range(4)]
