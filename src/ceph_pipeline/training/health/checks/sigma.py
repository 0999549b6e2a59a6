"""Targets too narrow to be decoded, or too wide to tell images apart."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.training.health.finding import Finding
from ceph_pipeline.training.health.record import TrainingRecord

_DECODING_ERROR = 0.1
"""Heatmap px. Targets of σ 0.7 px and more decode to 0.02–0.05 px under 2 % noise, of 0.6 px to 0.23, of 0.5 px to 0.32."""

_OF_SPREAD = 2.5
"""Measured on phantoms (seeds 1–3): 1.0 in healthy trainings, 5.5 where σ is a quarter of the map."""

_WITHOUT_TARGETS = ("wing", "smooth_l1", "mse")
"""Losses on coordinates, for which no Gaussian is drawn."""


def check_narrow_sigma(record: TrainingRecord) -> Iterator[Finding]:
    """Targets of a pixel or less: sub-pixel positions are lost in a little noise."""
    sigma = record.settings["loss.sigma_px"]
    if record.settings["loss.kind"] in _WITHOUT_TARGETS or not record.decoding_error > _DECODING_ERROR:
        return
    yield Finding(
        "warning",
        f"targets of σ {sigma:g} heatmap px decode to within {record.decoding_error:.2f} heatmap px, "
        f"{record.decoding_error * record.stride:.1f} px of the input, under 2 % noise; from σ 0.8 on to within 0.03. Hardly a "
        "pixel of a map is positive, so that training is slow to begin as well. Known from the settings; curves do not show it.",
        value=record.decoding_error,
        limit=_DECODING_ERROR,
        setting="loss.sigma_px",
        suggestion="1.5",
    )


def check_wide_sigma(record: TrainingRecord) -> Iterator[Finding]:
    """Whole images' targets wider than the landmarks move: the mean shape's maps already fit every image."""
    validated = record.validated()
    if not validated or record.stage != "stage1" or record.settings["loss.kind"] in _WITHOUT_TARGETS:
        return
    sigma = record.settings["loss.sigma_px"] * record.stride
    moves = float(np.nanmedian(validated[-1][1].target_spread)) / np.sqrt(2)
    if sigma > _OF_SPREAD * moves:
        yield Finding(
            "warning",
            f"targets have σ {sigma:.0f} px of the input while the typical landmark moves by {moves:.0f} px (sd) between images: "
            "their maps are nearly the same for every image, and peaks are too flat to be precise.",
            value=sigma / moves,
            limit=_OF_SPREAD,
            setting="loss.sigma_px",
            suggestion=f"{max(1.0, 0.5 * moves / record.stride):.1f}",
        )
