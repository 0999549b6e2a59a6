"""Distances that a detector's points move when a film is saved again, cropped by a few per cent, or padded.

    python benchmarks/stability.py --models data/isbi2015/06_models --films /path/to/isbi2015/Test1Data --n-films 20

The landmarks of every film are predicted on the unchanged film and on ten changed versions: JPEG of quality 95, 85 and 70, 1 to
5 % cropped at the sides, and 2 and 5 % of black added at the sides. Points are mapped back to the pixels of the unchanged film.
The spread of a landmark is the root mean square distance of the eleven predictions from their mean.
"""

from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
import pandas as pd

from ceph_pipeline.detector import LandmarkDetector
from ceph_pipeline.images import read_image
from ceph_pipeline.landmarks.tables import points_array

Change = Callable[[np.ndarray], tuple[np.ndarray, tuple[int, int]]]
"""Returns a changed film, and the position (x, y) of its upper left corner in the unchanged film."""


def as_jpeg(quality: int) -> Change:
    """Save the film again as JPEG."""

    def change(film: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        _, encoded = cv2.imencode(".jpg", film, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)), (0, 0)

    return change


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    """Crop shares of the film's width and height at its sides."""

    def change(film: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        height, width = film.shape
        x, y = round(left * width), round(top * height)
        return film[y : height - round(bottom * height), x : width - round(right * width)].copy(), (x, y)

    return change


def padded(left: float, right: float) -> Change:
    """Add black at the left and right sides, as shares of the film's width."""

    def change(film: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        x = round(left * film.shape[1])
        return np.pad(film, ((0, 0), (x, round(right * film.shape[1])))), (-x, 0)

    return change


CHANGES: dict[str, Change] = {
    "unchanged": lambda film: (film, (0, 0)),
    **{f"JPEG {quality}": as_jpeg(quality) for quality in (95, 85, 70)},
    **{f"cropped by {share:.0%}": cropped(share, share, share, share) for share in (0.01, 0.02, 0.03, 0.05)},
    "cropped by 4 % on the left": cropped(0.04, 0, 0, 0),
    "padded by 2 %": padded(0.02, 0.02),
    "padded by 5 % on the right": padded(0, 0.05),
}


@click.command(help=__doc__)
@click.option("--models", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--films", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--n-films", default=20, show_default=True)
@click.option("--pixel-size-mm", default=0.1, show_default=True)
def main(models: Path, films: Path, n_films: int, pixel_size_mm: float) -> None:
    """Predict the landmarks, and print spreads in mm."""
    detector = LandmarkDetector.load(models)
    names = list(detector.landmarks)
    predictions = []
    for path in sorted(films.iterdir())[:n_films]:
        changed = {label: change(read_image(path)) for label, change in CHANGES.items()}
        table = detector.predict({str(k): film for k, (film, _) in enumerate(changed.values())}, pixel_size_mm=pixel_size_mm)
        corners = np.array([corner for _, corner in changed.values()], np.float64)
        predictions.append(points_array(table, [str(k) for k in range(len(changed))], names) + corners[:, None])
    points = np.stack(predictions) * pixel_size_mm
    off = np.linalg.norm(points - points.mean(axis=1, keepdims=True), axis=-1)
    by_landmark = pd.Series(np.sqrt((off**2).mean(axis=(0, 1))), index=names).sort_values()
    print(f"{len(points)} films, {len(CHANGES)} predictions each; spread in mm, all landmarks: {np.sqrt((off**2).mean()):.3f}")
    print(by_landmark.round(3).to_string())
    moved = np.linalg.norm(points - points[:, :1], axis=-1).mean(axis=(0, 2))
    print("mean distance from the unchanged film's points, mm:")
    print(pd.Series(moved, index=list(CHANGES)).round(3).to_string())


if __name__ == "__main__":
    main()
