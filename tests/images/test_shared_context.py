"""Threads that read films at once leave the process as it was."""

import warnings
from contextlib import ExitStack

import pytest

from ceph_pipeline.images.shared_context import no_warnings


def test_the_first_to_leave_takes_nothing_from_the_last():
    before = warnings.filters
    first, last = ExitStack(), ExitStack()
    first.enter_context(no_warnings)
    last.enter_context(no_warnings)
    first.close()
    with warnings.catch_warnings(record=True) as heard:
        warnings.warn("of a patient", UserWarning, stacklevel=1)
    assert not heard
    last.close()
    assert warnings.filters is before


def test_an_error_inside_passes_and_leaves_it():
    before = warnings.filters
    with pytest.raises(ValueError, match="damaged"), no_warnings:
        raise ValueError("damaged")
    assert warnings.filters is before
