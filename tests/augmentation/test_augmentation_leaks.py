"""Nothing that is made from an image, and nothing that looks like it, sits in another split."""

import cv2
import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.audit.duplicates import find_duplicates
from ceph_pipeline.audit.params import DuplicateParams
from ceph_pipeline.audit.signatures import sign_images
from ceph_pipeline.phantom.drawing import draw_cephalogram
from ceph_pipeline.phantom.specimen import sample_specimen, stream

SPLITS = {"train": 4, "valid": 1, "test": 1}


@pytest.fixture
def tables(study):
    """Copies of six phantoms, four of them for training."""
    for index, path in enumerate(study.tables.images["path"]):
        picture = draw_cephalogram(sample_specimen(index, 3, 302), stream(3, index, 1))
        cv2.imwrite(str(study.raw.root / path), cv2.resize(picture, (241, 302), interpolation=cv2.INTER_AREA))
    return study.augment(cache_long_side=256)


def test_every_row_of_every_table_is_in_its_source_s_split(study, tables):
    of_source = study.tables.images.set_index("image_id")["split"]
    of_image = tables["augmented_images"].set_index("image_id")["split"]
    for name in ("augmented_images", "augmented_landmarks", "augmented_cvm", "augmented_measurements", "augmented_cache_index"):
        table = tables[name]
        assert len(table), name
        assert (table["image_id"].map(of_image) == table["source_id"].map(of_source)).all(), name
    assert set(tables["augmented_images"]["source_id"]) == set(study.tables.images["image_id"])


def test_no_copy_looks_like_an_image_of_another_split(study, tables):
    images = tables["augmented_images"].merge(tables["augmented_cache_index"][["image_id", "cache_width", "cache_height"]])
    pairs = find_duplicates(sign_images(images, study.cache), DuplicateParams())
    split = images.set_index("image_id")["split"]
    source = images.set_index("image_id")["source_id"]
    first, second = pairs.columns[:2]
    assert len(pairs) >= len(SPLITS), "brightness and braces are seen as what they are: copies"
    assert (pairs[first].map(source) == pairs[second].map(source)).all()
    assert (pairs[first].map(split) == pairs[second].map(split)).all()


def test_the_check_sees_a_copy_that_was_put_into_another_split(study, tables):
    stray = "test_0000__brightness_0"
    study.cache.write("stray", np.asarray(study.cache.read(stray)))
    images = tables["augmented_images"].set_index("image_id").loc[[stray]].reset_index()
    both = pd.concat([images, images.assign(image_id="stray", split="train")], ignore_index=True)
    assert len(find_duplicates(sign_images(both, study.cache), DuplicateParams())) == 1
