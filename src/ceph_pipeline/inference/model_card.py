"""The model card of a logged detector: training data, licences, results, intended use and limits."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ceph_pipeline import __version__
from ceph_pipeline.evaluation.display import number, with_interval
from ceph_pipeline.evaluation.stages import LABELS
from ceph_pipeline.formats import aariz, cl_detection, isbi2015
from ceph_pipeline.landmarks.tables import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from ceph_pipeline.detector.checkpoint import TrainedNet

CARD_FILE = "model_card.md"

_CARD = """# Landmark detector for lateral cephalograms

Made with ceph-pipeline {version}. Research software, not a medical device: a person must check every point before it is used.

## Networks

{networks}

## Data

{data}

## Licence

The licence of the networks depends on the licences of the training data. The public data sets of these layouts have the licences:

{licences}

If a folder in one of these layouts contains other films, the licence of those films applies.

## Results on the test images

| points | MRE mm | MRE px | within 2 mm, % |
|---|---|---|---|
{results}

Brackets contain 95 % intervals over images; they are omitted for fewer than ten images. {duplicates}

## Intended use

Location of the landmarks {landmarks} in lateral cephalograms, for research and for pre-annotation that a person corrects.

## Limits

- The results apply to films that are similar to the test images. Errors can be larger for other devices, ages, resolutions and
  exposures.
- Values in millimetres are only as accurate as the pixel size that is given with an image.
- Radii and flags, if points have them, were calibrated on held-out images of the same data.
"""

_LICENCES = {
    "aariz": f"CC BY 4.0 (Khalid et al., {aariz.ORIGIN}); phantoms (synthetic cephalograms) in its layout: Apache-2.0",
    "isbi2015": f"research use ({isbi2015.ORIGIN})",
    "cl_detection2023": f"not stated; see its source, {cl_detection.ORIGIN}",
    "cl_detection2024": f"not stated; see its source, {cl_detection.ORIGIN}",
}
"""Licences of public data sets, by the value of the column `dataset`; README.md states the same."""


def model_card(networks: Sequence[TrainedNet], images: pd.DataFrame, metrics: Mapping[str, Any]) -> str:
    """The card in Markdown.

    Args:
        networks: One network per stage, or the networks of an ensemble.
        images: The images table: `split`, `dataset` and `machine` of each image.
        metrics: From `evaluate`.
    """
    left_out = metrics["details"]["without_near_duplicates"]["n_left_out"]
    return _CARD.format(
        version=__version__,
        networks="\n".join(_network_lines(networks)),
        data="\n".join(_data_lines(images)),
        licences="\n".join(_licence_lines(images)),
        results="\n".join(
            f"| {LABELS[stage]} | {with_interval(row['mre_mm'], row['mre_mm_ci95'])} | {number(row['mre_px'], 1)} "
            f"| {number(row.get('sdr_2.0'), 1)} |"
            for stage in STAGES
            if (row := metrics.get(stage)) is not None
        ),
        duplicates=f"Test images with a near-duplicate among the training or validation images: {left_out}.",
        landmarks=", ".join(networks[0].landmarks),
    )


def _network_lines(networks: Sequence[TrainedNet]) -> list[str]:
    counts = Counter(
        f"{net.stage}: {net.architecture['backbone']}, input {' × '.join(map(str, net.input_size))} px, stride {net.stride}"
        for net in networks
    )
    return [f"- {line}{f'; ensemble of {count} networks' * (count > 1)}" for line, count in counts.items()]


def _data_lines(images: pd.DataFrame) -> list[str]:
    counts = images.groupby(["dataset", "split"], sort=True).size().reset_index(name="count")
    rows = counts.to_dict("records")
    return [
        *(f"- {row['dataset']}: {row['count']} {row['split']} images" for row in rows),
        f"- devices: {images['machine'].nunique()}",
    ]


def _licence_lines(images: pd.DataFrame) -> list[str]:
    unknown = "unknown to this program; check the licence before you distribute the networks"
    return [f"- {name}: {_LICENCES.get(name, unknown)}" for name in sorted(images["dataset"].unique())]
