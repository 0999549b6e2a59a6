"""Known figures of Aariz's training consensus.

Skipped unless AARIZ_CONSENSUS_CSV names the points: `ceph_id, machine, symbol, x, y`, pixels.
"""

import os

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.cephalometry import measure_table
from ceph_pipeline.landmarks import find

POINTS = os.environ.get("AARIZ_CONSENSUS_CSV", "")
pytestmark = pytest.mark.skipif(not POINTS, reason="AARIZ_CONSENSUS_CSV is not set")


@pytest.fixture(scope="module")
def points():
    table = pd.read_csv(POINTS)
    return table.assign(image_id=table["ceph_id"], landmark=[find(symbol).name for symbol in table["symbol"]])


def measured(points):
    table = measure_table(points, dict.fromkeys(points["image_id"], 0.1))
    return table.pivot_table(index="image_id", columns="measurement", values="value")


def test_four_of_308_upper_incisors_lean_back(points):
    values = measured(points)
    assert len(values) == 308
    assert ((values["U1_NA_deg"] < 0) | (values["L1_NB_deg"] < 0)).sum() == 4


def test_wits_on_the_bisected_plane_is_steadier_than_on_the_functional_one(points):
    values = measured(points[points["machine"] == "ART Plus"])
    assert len(values) == 178
    bisected, functional = (np.corrcoef(values[key], values["ANB"])[0, 1] for key in ("Wits_mm", "WitsFunctional_mm"))
    assert values["Wits_mm"].std() == pytest.approx(5.42, abs=0.01)  # at the table's 0.1 mm a pixel; the ruler says 0.091
    assert values["WitsFunctional_mm"].std() == pytest.approx(7.12, abs=0.01)
    assert (bisected, functional) == pytest.approx((0.779, 0.571), abs=0.001)


def test_the_sum_of_bjork_is_the_mandibular_plane_and_a_full_turn(points):
    values = measured(points)
    assert (values["BjorkSum"] - 360).to_numpy() == pytest.approx(values["SN_GoMe"].to_numpy())
