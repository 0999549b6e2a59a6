"""The files have the layout of the Aariz data set, and of a Label Studio export."""

import json
import re

import numpy as np
import pytest

from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import IDENTIFIER
from ceph_pipeline.phantom.aariz_layout import annotation_files, cvm_json, image_file, landmark_json, mapping_csv, split_of
from ceph_pipeline.phantom.params import VariationParams
from ceph_pipeline.phantom.ruler_export import label_studio_json
from ceph_pipeline.phantom.specimen import sample_specimen


@pytest.fixture(scope="module")
def specimen():
    return sample_specimen(4, 9, 800)


@pytest.mark.parametrize(("n_images", "shares"), [(48, (34, 7, 7)), (1000, (700, 150, 150)), (4, (2, 1, 1))])
def test_splits_are_70_15_15(n_images, shares):
    splits = [split_of(index, n_images) for index in range(n_images)]
    assert tuple(splits.count(split) for split in ("train", "valid", "test")) == shares


def test_paths_are_those_of_aariz(specimen, tmp_path):
    assert image_file(tmp_path, "valid", specimen).parent == tmp_path / "valid" / "Cephalograms"
    files = annotation_files(tmp_path, "valid", "phantom_0005")
    landmarks = tmp_path / "valid" / "Annotations" / "Cephalometric Landmarks"
    assert files["senior"] == landmarks / "Senior Orthodontists" / "phantom_0005.json"
    assert files["junior"] == landmarks / "Junior Orthodontists" / "phantom_0005.json"
    assert files["cvm"] == tmp_path / "valid" / "Annotations" / "CVM Stages" / "phantom_0005.json"


def test_identifiers_can_be_file_names(specimen):
    assert specimen.image_id == "phantom_0005"
    assert re.match(IDENTIFIER, specimen.image_id)


def test_a_landmark_file_has_the_fields_and_order_of_a_genuine_one(specimen):
    content = json.loads(landmark_json(specimen.image_id, specimen.landmarks_px()))
    assert list(content) == ["ceph_id", "landmarks", "reviewed_at", "updated_at", "dataset_name", "open_issues"]
    assert [entry["symbol"] for entry in content["landmarks"]] == list(SCHEMAS["aariz"].symbols)
    first = content["landmarks"][0]
    assert list(first) == ["landmark_id", "title", "symbol", "value"]
    assert (first["landmark_id"], first["title"]) == ("ckr20ld7v4a4r0za3gqkydid2", "A-point")
    assert all(isinstance(value, int) for entry in content["landmarks"] for value in entry["value"].values())


def test_coordinates_are_rounded_to_the_nearest_pixel(specimen):
    content = json.loads(landmark_json(specimen.image_id, specimen.landmarks_px()))
    written = np.array([list(entry["value"].values()) for entry in content["landmarks"]])
    truth = np.array([specimen.landmarks_px()[symbol] for symbol in SCHEMAS["aariz"].symbols])
    assert np.abs(written - truth).max() <= 0.5


def test_a_cvm_file_names_the_stage():
    content = json.loads(cvm_json("phantom_0005", "valid", 3))
    assert content["ceph_id"] == "phantom_0005"
    assert (content["cvm_stage"]["title"], content["cvm_stage"]["value"]) == ("CVM-S3", 3)
    assert content["dataset_split"] == "Validation"


def test_the_mapping_names_machine_pixel_size_format_and_mode(specimen):
    header, row = mapping_csv([(specimen, "train")]).splitlines()
    assert header == "cephalogram_id,machine,pixel_size,image_format,mode"
    assert row == f"phantom_0005,{specimen.device.machine},{specimen.pixel_size_mm},{specimen.device.format},Train"


def test_the_ruler_export_gives_percent_of_the_original_size(specimen):
    (task,) = json.loads(label_studio_json([specimen]))
    assert re.fullmatch(r"[0-9a-f]{8}-phantom_0005\.\w{3}", task["file_upload"])
    results = task["annotations"][0]["result"]
    assert [result["value"]["keypointlabels"] for result in results] == [["p1"], ["p2"]]
    size = np.array([results[0]["original_width"], results[0]["original_height"]])
    found = [np.array([result["value"]["x"], result["value"]["y"]]) / 100 * size - 0.5 for result in results]
    np.testing.assert_allclose(found[0], specimen.ruler_px()["p1"])
    assert np.linalg.norm(found[0] - found[1]) * specimen.pixel_size_mm == pytest.approx(10.0)


def test_a_film_without_a_ruler_is_submitted_without_a_point(specimen):
    without = sample_specimen(0, 9, 800, VariationParams(ruler_absent_share=1))
    blank, marked = json.loads(label_studio_json([without, specimen]))
    assert [len(task["annotations"][0]["result"]) for task in (blank, marked)] == [0, 2]
    assert blank["data"]["image"].endswith(without.path)
