"""The environment `ruler` on a few tiny phantoms: from their export to the report, networks compared, and the learning curve."""

import json

import numpy as np
import pandas as pd
import pytest

NETWORKS = ["mobilenetv3_small_050", "mobilenetv3_small_075"]
SIZES = [2, 4]
PARAMS = {
    "phantom": {"n_images": 12, "long_side_px": 300, "variation": {"ruler_absent_share": 0.3}},
    "stage1": {
        "net": {"backbone": NETWORKS[0], "input_width_px": 64, "input_height_px": 96},
        "images_per_epoch": 8,
        "optim": {"epochs": 1},
        "loop": {"workers": 0},
    },
    "stage2": {
        "net": {"backbone": NETWORKS[0]},
        "optim": {"epochs": 1, "batch_size": 20},
        "loop": {"workers": 0},
        "crops_per_epoch": 40,
        "valid_crops": 10,
    },
    "detector": {"views_stage1": "single"},
    "calibration": {"min_peak": 1e-9, "max_se_pct": 100},  # nothing is learned: whatever is found counts as a ruler
    "compare": {"backbones": NETWORKS, "training_sources": SIZES},
    "folds": {"count": 2},
}


@pytest.fixture(scope="module")
def ruled(tmp_path_factory, new_project):
    """A finished run of every pipeline that the page on the ruler names."""
    project = new_project(tmp_path_factory.mktemp("ruler"), env="ruler")
    project.set_globals(n_jobs=1)
    project.run("demo", "ruler_with_folds", "folds", "compare", "learning_curve", **PARAMS)
    return project


@pytest.fixture(scope="module")
def shown(ruled):
    """By split, which films show a ruler."""
    images, landmarks = (pd.read_parquet(ruled.data / "03_primary" / f"{name}.parquet") for name in ("images", "landmarks"))
    known = landmarks.dropna(subset=["x", "y"]).groupby("image_id")["landmark"].nunique() == 2
    return {split: {name: bool(known.get(name, False)) for name in rows["image_id"]} for split, rows in images.groupby("split")}


def test_every_film_but_those_for_validation_has_a_row_with_a_decision(ruled, shown):
    rows = pd.read_parquet(ruled.data / "08_reporting" / "ruler" / "errors.parquet").set_index("image_id")
    assert set(shown["test"].values()) == set(shown["train"].values()) == {True, False}
    assert rows["shows_ruler"].to_dict() == shown["test"] | shown["train"]
    assert rows["has_ruler"].all()
    assert (rows["source"] == np.where(rows["is_usable"], "ruler", "file")).all()
    assert (rows["mm_per_pixel"] > 0).all()


def test_the_folds_detectors_are_the_report_s_headline(ruled, shown):
    metrics = json.loads((ruled.data / "08_reporting" / "ruler" / "metrics.json").read_text())
    assert metrics["n_images"] == len(shown["test"])
    assert metrics["out_of_fold"]["n_images"] == len(shown["train"])
    assert metrics["out_of_fold"]["presence"]["n_absent"] == sum(not shows for shows in shown["train"].values())
    sizes = pd.read_parquet(ruled.data / "07_model_output" / "ruler_sizes.parquet").set_index("image_id")
    found = pd.read_parquet(ruled.data / "07_model_output" / "fold_predictions" / "fold_predictions.parquet")
    peaks = found[found["stage"] == "stage2_tta"].groupby("image_id")["peak"].min()
    assert np.allclose(sizes.loc[peaks.index, "confidence"], peaks)


def test_the_report_has_pictures(ruled):
    folder = ruled.data / "08_reporting" / "ruler"
    assert [page.name for page in (folder / "gallery").iterdir()] == ["page_001.png"]
    embedded = json.loads((folder / "embedded_figures.json").read_text())
    page = (folder / "report.html").read_text()
    assert list(embedded) == ["errors.png", "gallery/page_001.png"]
    assert all(picture in page for picture in embedded.values())


@pytest.mark.parametrize(
    ("table", "sources"), [("networks", dict.fromkeys(NETWORKS, 8)), ("learning_curve", {str(size): size for size in SIZES})]
)
def test_each_training_has_its_errors_on_the_test_films(ruled, shown, table, sources):
    rows = pd.read_parquet(ruled.data / "08_reporting" / "compare" / f"{table}.parquet")
    both = rows[rows["landmark"] == "all"].set_index("variant")
    assert both["n_sources"].to_dict() == sources
    assert (both["n"] == 2 * sum(shown["test"].values())).all()
    assert np.isfinite(both[["mean_px", "median_px", "sd_px", "min_px", "max_px", "images_per_s"]]).all(axis=None)
    assert set(rows["landmark"]) == {"all", "p1", "p2"}
