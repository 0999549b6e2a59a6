"""Labels of a data set that are no known landmark: one message about all of them."""

from __future__ import annotations

import pandas as pd

from ceph_pipeline.formats.files import shown
from ceph_pipeline.formats.options import LandmarkNames, ReadOptions
from ceph_pipeline.landmarks import nearest_name


def unknown_labels(landmarks: pd.DataFrame, options: ReadOptions) -> str | None:
    """A message that lists the unknown labels with their numbers of films and the nearest known names; None without such labels.

    Args:
        landmarks: The readers' points, with `image_id`, `landmark`, `x`.
        options: The options with which the data set was read; landmarks that the user named are not reported.
    """
    names = LandmarkNames(options)
    films = landmarks.dropna(subset=["x"]).groupby("landmark")["image_id"].nunique()
    counts = {str(name): int(count) for name, count in films.items() if names.reason_unknown(str(name))}
    if not counts:
        return None
    near = {name: nearest_name(name) for name in counts}
    total = landmarks["image_id"].nunique()
    listed = ", ".join(
        f"{shown(name)} on {count}{f' (nearest: {near[name]})' if near[name] else ''}" for name, count in counts.items()
    )
    example = next((f", such as `{{{label}: {name}}}`" for label, name in near.items() if name), "")
    return (
        f"labels of no known landmark, with their number of films of {total}: {listed}. They are landmarks of their own, without "
        f"measurements. If a label is a known landmark, name it in `ingestion.reading.labels`{example}"
    )
