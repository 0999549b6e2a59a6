"""Copies of another scale have another pixel size; the head in them keeps its millimetres."""

import numpy as np
import pytest


def test_a_distance_in_mm_is_the_same_in_a_scaled_copy(study):
    recipe = {"original": {}, "small": {"type": "affine", "scale": [0.8, 0.8], "splits": ["train"]}}
    tables = study.augment(recipe=recipe)
    images = tables["augmented_images"].set_index("image_id")
    points = tables["augmented_landmarks"].query("reader == 'consensus'").set_index(["image_id", "landmark"])[["x", "y"]]

    def distance_mm(image_id):
        span = points.loc[(image_id, "Sella")] - points.loc[(image_id, "Nasion")]
        return np.linalg.norm(span) * images.loc[image_id, "pixel_size_mm"]

    assert images.loc["train_0000__small_0", "pixel_size_mm"] == pytest.approx(1 / 0.8)
    assert distance_mm("train_0000__small_0") == pytest.approx(distance_mm("train_0000__original_0"))
