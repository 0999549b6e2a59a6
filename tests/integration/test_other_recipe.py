"""Augmentation run again: nothing is done twice, and another recipe does not delete the images of the first."""

import logging

import pytest

from ceph_pipeline.augmentation.provenance import OtherRecipeError

pytestmark = pytest.mark.slow


def test_unchanged_it_does_nothing_and_changed_it_refuses(empty, caplog):
    empty.set_globals(n_jobs=1)
    for pipeline in ("phantom", "ingestion", "audit", "augmentation"):
        empty.run(pipeline)
    store = empty.data / "05_model_input" / "augmented"
    before = {path.name: path.stat().st_mtime_ns for path in store.glob("*.png")}
    assert len(before) == 65

    with caplog.at_level(logging.INFO, "ceph_pipeline"):
        empty.run("augmentation")
    assert "nothing to do, 65 images of 10 sources" in caplog.text
    with pytest.raises(OtherRecipeError, match=r"seed was 42, is 7.*augmentation\.force=true"):
        empty.run("augmentation", augmentation={"seed": 7})
    assert {path.name: path.stat().st_mtime_ns for path in store.glob("*.png")} == before

    empty.run("augmentation", augmentation={"seed": 7, "force": True})
    with caplog.at_level(logging.INFO, "ceph_pipeline"):
        empty.run("augmentation", augmentation={"seed": 7})
    assert caplog.text.count("nothing to do, 65 images") == 2
