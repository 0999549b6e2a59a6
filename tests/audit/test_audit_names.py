"""A device's name comes from the data set: it never stops the audit's figure."""

import io

import pandas as pd
import pytest

from ceph_pipeline.audit.figures import draw_scale
from ceph_pipeline.audit.params import SellaNasionParams


@pytest.mark.parametrize("machine", [r"$\frac{$", "$$", "a$b$", "x" * 3000])
def test_a_formula_as_a_device_name_is_drawn(machine):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_subplot()
    lengths = pd.DataFrame({"machine": [machine, machine, "B"], "unit": "mm", "length": [70.0, 72.0, 71.0]})
    draw_scale(axes, lengths, SellaNasionParams())
    figure.savefig(io.BytesIO())
    assert axes.get_yticklabels()
