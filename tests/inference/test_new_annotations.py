"""The landmarks of new X-rays as files of other formats."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from ceph_pipeline import formats
from ceph_pipeline.inference import InferenceParams
from ceph_pipeline.inference.folder import find_xrays
from ceph_pipeline.landmarks.tables import ImageTable
from ceph_pipeline.pipelines.inference.nodes import write_annotations


def located(folder: Path) -> pd.DataFrame:
    """Two X-rays of one name in two folders, and a point on each."""
    rows = []
    for number, patient in enumerate(("anna", "bea")):
        (folder / patient).mkdir(parents=True)
        cv2.imwrite(str(folder / patient / "ceph.png"), np.full((100 + number, 80), 90, np.uint8))
        rows.append((f"{patient}_ceph", "stage2_tta", "Sella", 10.25 + number, 20.5, 1.5))
    return pd.DataFrame(rows, columns=["image_id", "stage", "landmark", "x", "y", "sigma_px"])


SIZES = pd.DataFrame({"image_id": ["anna_ceph", "bea_ceph"], "source": ["file", "anatomical"], "mm_per_pixel": [0.1, 0.2]})
"""What `size_pixels` says: an anatomical estimate is no measurement."""


def test_scores_are_of_the_calibrated_standard_deviation(tmp_path):
    predictions = located(tmp_path / "new").assign(calibrated_sigma_px=6.0)
    write_annotations(tmp_path / "new", predictions, SIZES, tmp_path / "out", InferenceParams(formats=("table",)))
    (file,) = (tmp_path / "out" / "table").glob("*.csv")
    assert pd.read_csv(file)["sigma_px"].tolist() == [6.0, 6.0]


def test_every_format_that_is_asked_for_gives_the_predictions_back(tmp_path):
    predictions = located(tmp_path / "new")
    params = InferenceParams(formats=("table", "coco", "label_studio", "labelme", "json"))
    images = write_annotations(tmp_path / "new", predictions, SIZES, tmp_path / "out", params)
    ImageTable.validate(images)
    assert images[["image_id", "path", "width", "height"]].to_numpy().tolist() == [
        ["anna_ceph", "anna/ceph.png", 80, 100],
        ["bea_ceph", "bea/ceph.png", 80, 101],
    ]
    for name in ("table", "coco", "label_studio", "labelme"):
        found = formats.read(tmp_path / "out" / name, name, images=tmp_path / "new").landmarks
        assert list(found["image_id"]) == ["anna_ceph", "bea_ceph"]
        np.testing.assert_allclose(found[["x", "y"]], predictions[["x", "y"]], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(images["pixel_size_mm"], [0.1, np.nan])
    films = json.loads((tmp_path / "out/json/landmarks.json").read_text())
    assert films[1]["points"] == {"stage2_tta": {"Sella": {"x": 11.25, "y": 20.5, "sigma_px": 1.5}}}


def test_a_second_run_replaces_the_first_ones_files(tmp_path):
    predictions = located(tmp_path / "new")
    for rows in (predictions, predictions.iloc[:1]):
        write_annotations(tmp_path / "new", rows, SIZES, tmp_path / "out", InferenceParams(formats=("table",)))
    assert len(formats.read(tmp_path / "out/table", "table").images) == 1


def test_formats_that_are_not_asked_for_any_more_go_and_a_person_s_own_folder_stays(tmp_path):
    every = ("table", "json", "coco", "label_studio", "labelme")
    locks = {f".{name}.lock" for name in every}
    (tmp_path / "out" / "yolo_pose").mkdir(parents=True)
    predictions = located(tmp_path / "new")
    write_annotations(tmp_path / "new", predictions, SIZES, tmp_path / "out", InferenceParams(formats=every))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*every, "yolo_pose"} | locks
    write_annotations(tmp_path / "new", predictions.iloc[:1], SIZES, tmp_path / "out", InferenceParams(formats=("table",)))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"table", "yolo_pose"} | locks
    (tmp_path / "out" / "table").rename(tmp_path / "out" / ".table.replaced")  # as a killed run leaves it
    write_annotations(tmp_path / "new", predictions, SIZES, tmp_path / "out", InferenceParams(formats=()))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"yolo_pose"} | locks


def test_a_name_that_is_no_utf_8_costs_no_film_its_files(tmp_path):
    predictions = located(tmp_path / "new")
    (tmp_path / "new" / "bea" / "ceph.png").rename(os.fsdecode(os.fsencode(tmp_path / "new") + b"/caf\xe9.png"))
    (image_id,) = set(find_xrays(tmp_path / "new")) - {"anna_ceph"}
    named = predictions.replace({"image_id": {"bea_ceph": image_id}})
    images = write_annotations(tmp_path / "new", named, SIZES, tmp_path / "out", InferenceParams())
    assert images["path"].tolist() == ["anna/ceph.png", r"caf\udce9.png"]
    images.to_parquet(tmp_path / "images.parquet")


def test_no_format_leaves_no_files(tmp_path):
    write_annotations(tmp_path / "new", located(tmp_path / "new"), SIZES, tmp_path / "out", InferenceParams(formats=()))
    assert not (tmp_path / "out").exists()
