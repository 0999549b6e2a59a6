"""The curves that each validation logs, on errors and losses written by hand."""

import numpy as np
import pytest
import torch

from ceph_pipeline.training.batch import Batch
from ceph_pipeline.training.monitor import error_metric
from ceph_pipeline.training.validation_curves import ValidationCurves

NAN = float("nan")


def batch(pixel_size_mm=(0.1, NAN), cvm_stage=(3, 0), measurements=((1.0, NAN), (NAN, NAN))):
    n = len(pixel_size_mm)
    return Batch(
        images=torch.zeros(n, 1, 8, 8),
        points=torch.zeros(n, 5, 2),
        to_original=torch.zeros(n, 2, 3),
        pixel_size_mm=torch.tensor(pixel_size_mm),
        long_side_px=torch.full((n,), 1000.0),
        landmark=torch.zeros(n, dtype=torch.int64),
        cvm_stage=torch.tensor(cvm_stage),
        measurements=torch.tensor(measurements),
    )


ERRORS_PX = torch.tensor([[10.0, 20.0, 25.0, 30.0, 41.0], [20.0, 20.0, 20.0, 20.0, NAN]])
TERMS = {"landmark": torch.tensor(0.5), "cvm": torch.tensor(1.0), "measurements": torch.tensor(2.0), "wing": torch.tensor(9.0)}


def taken(*batches, terms=TERMS, curves=None):
    curves = curves or ValidationCurves()
    for each in batches:
        curves.update(each, torch.tensor(1.4), terms, ERRORS_PX[: len(each.images)])
    return {name: round(float(value), 3) for name, value in curves.take().items()}


def test_a_validation_that_ended_early_is_forgotten():
    curves = ValidationCurves()
    curves.update(batch(), torch.tensor(99.0), TERMS, 10 * ERRORS_PX)
    curves.reset()
    assert taken(batch(), curves=curves) == taken(batch())


def test_detection_rates_at_four_thresholds_over_the_images_whose_pixel_size_is_known():
    found = taken(batch())
    rates = {name: value for name, value in found.items() if "sdr" in name}
    assert rates == {"val/sdr_2mm": 40.0, "val/sdr_2.5mm": 60.0, "val/sdr_3mm": 80.0, "val/sdr_4mm": 80.0}
    assert found["val/mre_mm"] == 2.52
    assert found["val/mre_px"] == round(206 / 9, 3)  # of both images
    assert found["val/pck"] == round(600 / 9, 3)


@pytest.mark.parametrize(
    ("pixel_size_mm", "metric"),
    [([0.1, 0.2], "val/mre_mm"), ([0.1] + [NAN] * 149, "val/mre_px"), ([NAN], "val/mre_px"), ([], "val/mre_px")],
)
def test_epochs_are_compared_in_a_unit_that_all_images_have(pixel_size_mm, metric):
    assert error_metric(np.array(pixel_size_mm)) == metric


def test_without_any_pixel_size_there_are_no_millimetres():
    found = taken(batch(pixel_size_mm=(NAN, NAN)))
    assert not [name for name in found if name.endswith("mm")]
    assert found["val/mre_px"] == round(206 / 9, 3)


def test_the_loss_by_term_counts_each_target_once():
    """Two batches: one has one CVM stage of loss 1 and one measurement of 2, the other two stages of 4 and four of 6."""
    curves = ValidationCurves()
    curves.update(batch(), torch.tensor(1.0), TERMS, ERRORS_PX)
    many = batch(cvm_stage=(1, 2), measurements=((1.0, 1.0), (1.0, 1.0)))
    terms = {"landmark": torch.tensor(1.5), "cvm": torch.tensor(4.0), "measurements": torch.tensor(6.0)}
    found = taken(many, terms=terms, curves=curves)
    assert (found["val/landmark"], found["val/cvm"], found["val/measurements"]) == (1.0, 3.0, 5.2)
    assert found["val/loss"] == 1.2


def test_targets_that_no_image_has_have_no_curve():
    found = taken(batch(cvm_stage=(0, 0)), terms={name: TERMS[name] for name in ("landmark", "cvm")})
    assert "val/landmark" in found
    assert not {"val/cvm", "val/measurements"} & set(found)


def test_a_loss_of_nan_is_seen():
    curves = ValidationCurves()
    curves.update(batch(), torch.tensor(NAN), TERMS, ERRORS_PX)
    assert torch.isnan(curves.take()["val/loss"])


def test_each_validation_starts_anew():
    curves = ValidationCurves()
    taken(batch(), curves=curves)
    assert taken(batch(), curves=curves) == taken(batch())
