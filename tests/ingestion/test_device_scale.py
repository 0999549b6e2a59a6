"""Pixel sizes are corrected device by device."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ceph_pipeline.ingestion import DeviceScaleParams, with_device_scale
from ceph_pipeline.ingestion.device_scale import DeviceScaleError


@pytest.fixture
def tables():
    """Four films of device A, whose 0.1 mm/px makes the ruler 11 mm and S–N 72 mm, and two of B, too few to judge."""
    ids = [f"c{i}" for i in range(6)]
    images = pd.DataFrame({"image_id": ids, "machine": ["A"] * 4 + ["B"] * 2, "pixel_size_mm": 0.1, "pixel_size_source": "dicom"})
    points = {"p1": (0.0, 0.0), "p2": (0.0, 110.0), "Sella": (0.0, 0.0), "Nasion": (720.0, 0.0)}
    rows = [(image_id, "consensus", name, *xy) for image_id in ids for name, xy in points.items()]
    return images, pd.DataFrame(rows, columns=["image_id", "reader", "landmark", "x", "y"])


@pytest.mark.parametrize(("correction", "size"), [("ruler", 0.1 * 10 / 11), ("sella_nasion", 0.1 * 66 / 72)])
def test_a_devices_median_length_becomes_the_true_one(tables, correction, size):
    corrected = with_device_scale(*tables, DeviceScaleParams(correction=correction))
    assert corrected["pixel_size_mm"].tolist() == pytest.approx([size] * 4 + [0.1] * 2)
    assert corrected["pixel_size_source"].tolist() == [f"device_{correction}"] * 4 + ["dicom"] * 2


def test_a_table_says_it_device_by_device(tables):
    corrected = with_device_scale(*tables, DeviceScaleParams(correction="table", table_mm={"B": 0.2}))
    assert corrected["pixel_size_mm"].tolist() == [0.1] * 4 + [0.2] * 2


def test_a_device_that_is_not_there_is_refused(tables):
    with pytest.raises(DeviceScaleError, match="no image has the device 'C'"):
        with_device_scale(*tables, DeviceScaleParams(correction="table", table_mm={"C": 0.2}))


def test_without_a_correction_nothing_changes(tables):
    images, landmarks = tables
    pd.testing.assert_frame_equal(with_device_scale(images, landmarks, DeviceScaleParams()), images)


def test_an_unknown_pixel_size_stays_unknown(tables):
    images, landmarks = tables
    images.loc[0, "pixel_size_mm"] = np.nan
    corrected = with_device_scale(images, landmarks, DeviceScaleParams(correction="ruler"))
    assert np.isnan(corrected["pixel_size_mm"][0])
    assert corrected["pixel_size_source"][0] == "dicom", "nothing has corrected it"
    assert corrected["pixel_size_mm"][1] == pytest.approx(0.1 * 10 / 11)


def test_marks_on_one_spot_say_no_length(tables):
    images, landmarks = tables
    landmarks.loc[landmarks["image_id"].isin(["c0", "c1"]), "y"] = 0.0
    with pytest.raises(DeviceScaleError, match="no device has 3 images with p1 and p2"):
        with_device_scale(images, landmarks, DeviceScaleParams(correction="ruler"))


def test_devices_that_keep_their_sizes_are_named(tables, caplog):
    with_device_scale(*tables, DeviceScaleParams(correction="ruler"))
    assert "B keeps its pixel sizes: only 2 images with the length, but 3 required" in caplog.text


@pytest.mark.parametrize("size", [0, -1, 0.005])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(ValidationError, match=r"greater than or equal to 0\.02"):
        DeviceScaleParams(correction="table", table_mm={"A": size})
