"""A face whose measurements are worked out by hand, where a trained detector would find one."""

import pytest

pytest.importorskip("bokeh")

import numpy as np
import pandas as pd
from norm_samples import MADE_UP

from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.cephalometry import CephalometryParams
from ceph_pipeline.detector.uncertainty import DetectorUncertainty
from ceph_pipeline.images import encode_image
from ceph_pipeline.inference.report import ReportOrigin
from ceph_pipeline.inference.ruler_models import RulerSizing
from ceph_pipeline.page.opening import open_film
from ceph_pipeline.page.settings import OF_PHANTOMS, PageSettings
from ceph_pipeline.plausibility import PlausibilityParams

from ..detector.conftest import checkpoints, dot_finder, dotted, ruler_checkpoints

__all__ = ["checkpoints", "dot_finder", "dotted", "ruler_checkpoints"]

FACE = {"Sella": (100.0, 100.0), "Nasion": (800.0, 100.0), "A-point": (780.0, 600.0), "B-point": (740.0, 900.0)}


class StandIn:
    """Finds the same face in every film."""

    uncertainty = DetectorUncertainty()

    def predict(self, images, *, pixel_size_mm=None):
        (image_id,) = images
        rows = [(image_id, "stage1", name, x, y, 3.0, 0.9) for name, (x, y) in FACE.items()]
        return pd.DataFrame(rows, columns=["image_id", "stage", "landmark", "x", "y", "sigma_px", "peak"])


@pytest.fixture
def settings():
    return PageSettings(
        detector=StandIn(),
        learned_from=OF_PHANTOMS,
        is_of_phantoms=True,
        origin=ReportOrigin({"stage1": "abc"}, None, "1.2.3"),
        prior=None,
        sizing=RulerSizing(None, 0.5, CalibrationParams()),
        pixel_size_mm=None,
        pixel_size_order=("dicom",),
        cephalometry=CephalometryParams.model_validate({"norm_sets": MADE_UP}),
        plausibility=PlausibilityParams(),
    )


@pytest.fixture(scope="session")
def film_bytes():
    """A 900 × 1000 film."""
    return encode_image(np.arange(1000 * 900, dtype=np.uint32).reshape(1000, 900).astype(np.uint8), ".png")


@pytest.fixture
def film(settings, film_bytes):
    return open_film(film_bytes, "a.png", settings)
