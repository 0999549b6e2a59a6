"""Films made small: areas averaged, aspect and bit depth kept."""

import numpy as np
import pytest

from ceph_pipeline.images.shrink import shrink_to


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_shrinking_averages_areas(dtype):
    board = np.indices((8, 6)).sum(0).astype(dtype) % 2 * 200
    small = shrink_to(board, 4)
    assert small.shape == (4, 3)
    assert small.dtype == dtype
    assert (small == 100).all()


def test_an_image_that_grows_is_interpolated():
    grown = shrink_to(np.array([[0, 100]], np.uint8), 8)
    assert grown.shape == (4, 8)
    assert len(np.unique(grown)) > 2
