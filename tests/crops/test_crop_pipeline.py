"""The crops pipeline's one node."""

import logging

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.crops import CropParams
from ceph_pipeline.crops.field import REFERENCE_MM
from ceph_pipeline.landmarks.tables import CropTable, points_table
from ceph_pipeline.pipelines.crops import create_pipeline
from ceph_pipeline.pipelines.crops.nodes import index_crops


def test_the_node_indexes_training_and_validation_images_and_says_how_many(caplog: pytest.LogCaptureFixture) -> None:
    ids, names = ["a", "b", "c"], list(REFERENCE_MM)
    points = np.array(list(REFERENCE_MM.values()))[None].repeat(3, axis=0) * 10 + 1000
    images = pd.DataFrame({"image_id": ids, "source_id": ids, "split": ["train", "valid", "test"], "pixel_size_mm": 0.1})
    landmarks = points_table(points, ids, names).assign(reader="consensus")
    predictions = landmarks.drop(columns="reader").assign(stage="stage1")
    with caplog.at_level(logging.INFO):
        table = index_crops(
            images, landmarks, images=images, landmarks=landmarks, stage1_predictions=predictions, params=CropParams()
        )
    assert CropTable.validate(table)["split"].value_counts().to_dict() == {"train": 30, "valid": 30}
    assert "60 crops of 256 px indexed (train 30, valid 30)" in caplog.text


def test_the_pipeline_ends_in_the_crops_table() -> None:
    assert create_pipeline().outputs() == {"crops"}
