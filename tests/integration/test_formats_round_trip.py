"""Phantoms written in every format, read again and learned from: the same tables, and with these the same detector."""

from typing import NamedTuple

import pandas as pd
import pytest

from ceph_pipeline.formats import WRITERS
from ceph_pipeline.landmarks.tables import CONSENSUS

from .conftest import TINY, Project

pytestmark = pytest.mark.slow

FORMATS = sorted(set(WRITERS) - {"json"})
"""Those that are read back."""

HELD = {
    "aariz": {"pixel_size_mm", "machine", "cvm"},
    "coco": {"pixel_size_mm"},
    "label_studio": {"pixel_size_mm"},
    "labelme": set(),
    "table": {"pixel_size_mm"},
    "yolo_pose": set(),
}
"""What docs/formats.md says of each beside points, splits and sizes."""

EXACT = ("aariz", "coco", "labelme", "table")
"""Coordinates in pixels; the others' are percent and fractions."""
NEAR_PX = 1e-9

BRIEF = {"stage1": TINY["stage1"] | {"optim": {"epochs": 1}, "loss": {"cvm_weight": 0}}}
"""A training whose outcome depends on films, points, splits and pixel sizes, and not on CVM stages, which one format has."""


class Outcome(NamedTuple):
    """What a data set has become."""

    images: pd.DataFrame
    landmarks: pd.DataFrame
    cvm: pd.DataFrame


@pytest.fixture(scope="module")
def project(tmp_path_factory, new_project):
    """Phantoms as their own format has them, ingested and written in every other one."""
    project = new_project(tmp_path_factory.mktemp("formats"))
    project.set_globals(n_jobs=1)
    project.run("phantom")
    project.run("ingestion")
    tables_of(project, "demo").images[["image_id", "pixel_size_mm", "machine"]].rename(columns={"image_id": "image"}).to_csv(
        project.root / "films.csv", index=False
    )
    for name in FORMATS:
        readers = ["senior", "junior"] if WRITERS[name].holds_readers else []
        project.run("export", export={"format": name, "readers": readers, "copy_films": True})
    return project


def raw(project: Project, name: str) -> dict[str, str]:
    """What a user says of a folder of this format."""
    return {
        "raw_format": name,
        "raw_folder": str(project.data / "07_model_output" / "export" / name),
        "data_root": f"data/{name}",
    }


def tables_of(project: Project, root: str) -> Outcome:
    folder = project.root / "data" / root / "03_primary"
    return Outcome(*(pd.read_parquet(folder / f"{name}.parquet") for name in ("images", "landmarks", "cvm")))


def points_of(landmarks: pd.DataFrame, readers: list[str]) -> pd.DataFrame:
    rows = landmarks[landmarks["reader"].isin(readers)]
    return rows.set_index(["image_id", "reader", "landmark"])[["x", "y"]].sort_index()


@pytest.mark.parametrize("name", FORMATS)
def test_the_tables_are_the_same_but_for_what_the_format_does_not_hold(project, name):
    project.run("ingestion", **raw(project, name))
    expected, found = tables_of(project, "demo"), tables_of(project, name)
    columns = ["image_id", "split", "subset", "width", "height", *sorted({"pixel_size_mm", "machine"} & HELD[name])]
    pd.testing.assert_frame_equal(found.images[columns], expected.images[columns])
    if "pixel_size_mm" not in HELD[name]:
        assert found.images["pixel_size_mm"].isna().all()
    if "machine" not in HELD[name]:
        assert set(found.images["machine"]) == {"unknown"}
    assert len(found.cvm) == (len(expected.cvm) if "cvm" in HELD[name] else 0)
    readers = ["senior", "junior", CONSENSUS] if WRITERS[name].holds_readers else [CONSENSUS]
    pd.testing.assert_frame_equal(
        points_of(found.landmarks, readers),
        points_of(expected.landmarks, readers),
        check_exact=name in EXACT,
        **({} if name in EXACT else {"rtol": 0, "atol": NEAR_PX}),
    )


def learned(project: Project, root: str, **params: object) -> pd.DataFrame:
    """Predictions after an epoch from the data set of a folder."""
    project.run("stage1_alone", **BRIEF, **params)
    predictions = pd.read_parquet(project.root / "data" / root / "07_model_output" / "predictions.parquet")
    return predictions.set_index(["image_id", "stage", "landmark"]).sort_index()


@pytest.fixture(scope="module")
def reference(project):
    return learned(project, "demo")


@pytest.mark.parametrize("name", FORMATS)
def test_a_detector_that_learns_from_it_is_the_same(project, reference, name):
    """Pixel sizes and devices, which formats lack, come from a sheet of films."""
    sheet = {"ingestion": {"films": {"sheet": str(project.root / "films.csv")}}}
    found = learned(project, name, **raw(project, name), **sheet)
    pd.testing.assert_frame_equal(found, reference, check_exact=True)
