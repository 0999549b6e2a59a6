"""Near-duplicates that the audit finds between two data sets, if the second set's films were saved again, resized or padded.

    python benchmarks/foreign_duplicates.py --films /path/to/isbi2015 --shared 266

CL-Detection 2023 contains the first films of ISBI 2015 (`--shared`). These films are changed in several ways, and each way gives
a second data set. The second set contains no other films. The audit compares all films of ISBI 2015 with each second set. A pair
is correct if it is a film and its changed version, or a film and the changed version of its near-duplicate according to the audit
of ISBI 2015. Every other pair is false.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
import pandas as pd
from stability import as_jpeg

from ceph_pipeline import formats
from ceph_pipeline.audit.duplicates import CACHE_FOLDER, IMAGES_FILE, find_duplicates, find_foreign_duplicates
from ceph_pipeline.audit.params import DuplicateParams
from ceph_pipeline.audit.signatures import Signatures, sign_images
from ceph_pipeline.formats.cl_detection import without_padding
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.images.shrink import shrink_to

STACK = (2400, 2880)
"""Height and width to which CL-Detection 2023 pads its films with zeros, at the right and lower edges."""
CACHE_LONG_SIDE_PX = 512

Way = Callable[[np.ndarray], np.ndarray]


def jpeg(quality: int) -> Way:
    """Save the film again as JPEG."""
    return lambda film: as_jpeg(quality)(film)[0]


def resized(share: float) -> Way:
    """Resize the film by a factor."""
    return lambda film: np.asarray(cv2.resize(film, None, fx=share, fy=share, interpolation=cv2.INTER_AREA))


def padded(film: np.ndarray) -> np.ndarray:
    """Pad the film to `STACK`, as in the stack of the challenge."""
    height, width = film.shape
    return np.pad(film, ((0, max(0, STACK[0] - height)), (0, max(0, STACK[1] - width))))


WAYS: dict[str, Way] = {
    "the same pixels": lambda film: film,
    "JPEG of quality 75": jpeg(75),
    "at 70 % of its size, JPEG of quality 85": lambda film: jpeg(85)(resized(0.7)(film)),
    "at 40 % of its size": resized(0.4),
    "padded to 2880 × 2400 and unpacked, JPEG of quality 85": lambda film: jpeg(85)(without_padding(padded(film))),
    "padded to 2880 × 2400 and left so, JPEG of quality 85": lambda film: jpeg(85)(padded(film)),
}


def write_set(root: Path, images: pd.DataFrame, raw: RawFolder, way: Way, dataset: str) -> None:
    """Write a data root like ingestion's, with films that are changed in one way."""
    store = ImageStore(str(root / CACHE_FOLDER), format="npy")
    for image_id, path in images[["image_id", "path"]].itertuples(index=False):
        store.write(image_id, shrink_to(way(raw.read(path)), CACHE_LONG_SIDE_PX))
    (root / IMAGES_FILE).parent.mkdir(parents=True)
    images.assign(dataset=dataset).to_parquet(root / IMAGES_FILE)


def score(own: Signatures, same: set[tuple[str, str]], shared: list[str], other: Path) -> str:
    """Cells of a table row: shared films found, other pairs of one radiograph, false pairs, and the smallest correlation."""
    found = find_foreign_duplicates(own, DuplicateParams(other_data_roots=(str(other),)), n_jobs=-1)
    pairs = set(zip(found["image_id"], found["other_image"], strict=True))
    copies = sum((film, film) in pairs for film in shared)
    false = sum(one != film and (one, film) not in same for one, film in pairs)
    again = len(pairs) - copies - false
    least = found["correlation"].min() if len(found) else np.nan
    return f"| {copies} of {len(shared)} ({copies / len(shared):.1%}) | {again} | {false} | {least:.3f} |"


@click.command(help=__doc__)
@click.option("--films", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--shared", default=266, show_default=True, help="Number of films in the second set.")
def main(films: Path, shared: int) -> None:
    """Write the data sets, compare them, and print one row per way of changing."""
    images, raw = formats.read(films, "isbi2015").images, RawFolder(films, "isbi2015")
    both = images.sort_values("image_id").head(shared)
    click.echo("| copies | found | other pairs of one radiograph | false | least correlation |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder, "own"), images, raw, WAYS["the same pixels"], "isbi2015")
        own = sign_images(images, ImageStore(str(Path(folder, "own", CACHE_FOLDER)), format="npy"), n_jobs=-1)
        known = find_duplicates(own, DuplicateParams(), n_jobs=-1)
        pairs = list(zip(known["image_a"], known["image_b"], strict=True))
        same = {*pairs, *((second, first) for first, second in pairs)}
        for number, (name, way) in enumerate(WAYS.items()):
            other = Path(folder, str(number))
            write_set(other, both, raw, way, "elsewhere")
            click.echo(f"| {name} {score(own, same, both['image_id'].tolist(), other)}")


if __name__ == "__main__":
    main()
