"""Time of a film from its file to its measurements, and the share of the networks' forward passes in this time.

    python benchmarks/film_to_measurements.py --models data/isbi2015/06_models --films /path/to/films

The films are processed one at a time: a film is read, its landmarks are predicted by both stages, and it is measured. After each
film, the same networks repeat their forward passes on the same tensors.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from ceph_pipeline.benchmark.forwards import recorded_forwards
from ceph_pipeline.cephalometry import measure
from ceph_pipeline.detector import LandmarkDetector


def film_to_measurements(detector: LandmarkDetector, film: Path, pixel_size_mm: float) -> dict[str, float]:
    """Measurements of one film, by key.

    Args:
        detector: Detector that predicts the points.
        film: Image file.
        pixel_size_mm: Pixel size of the film in mm.
    """
    found = detector.predict([film], pixel_size_mm=pixel_size_mm)
    points = found[["landmark", "x", "y"]].itertuples(index=False)
    return measure({name: (x, y) for name, x, y in points}, pixel_size_mm=pixel_size_mm)


def seconds(call: Callable[[], object]) -> float:
    """Time of a call in seconds."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@click.command()
@click.option("--models", required=True, type=click.Path(exists=True, path_type=Path), help="Folder with stage1 and stage2.")
@click.option("--films", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--n-films", default=20, show_default=True, type=click.IntRange(1))
@click.option("--pixel-size", default=0.1, show_default=True, help="Pixel size of the films in mm.")
def main(models: Path, films: Path, n_films: int, pixel_size: float) -> None:
    """Time films from their files to their measurements, and print medians over the films."""
    detector = LandmarkDetector.load(models)
    files = [path for path in sorted(films.iterdir()) if path.is_file()][:n_films]
    film_to_measurements(detector, files[0], pixel_size)
    whole, bare = [], []
    for file in files:
        answer = partial(film_to_measurements, detector, file, pixel_size)
        forwards = recorded_forwards(answer)
        whole.append(seconds(answer))
        bare.append(seconds(forwards.replay))
    share = statistics.median(networks / all_ for networks, all_ in zip(bare, whole, strict=True))
    click.echo(f"{len(files)} films: {1000 * statistics.median(whole):.0f} ms per film, share of the forward passes {share:.0%}")


if __name__ == "__main__":
    main()
