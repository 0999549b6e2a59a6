"""Films for the benchmark of augmentation: phantoms (synthetic cephalograms) of 1935 × 2400 px, or a folder of real films."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from ceph_pipeline.augmentation.tables import SourceTables
from ceph_pipeline.images import decode_image, encode_image
from ceph_pipeline.landmarks.tables import CONSENSUS
from ceph_pipeline.phantom.drawing import draw_cephalogram
from ceph_pipeline.phantom.specimen import sample_specimen, stream

ISBI_SIZE = (1935, 2400)
"""(width, height) in pixels."""

_DRAWN = 4
"""Number of phantoms that are drawn. Further films are mirrored and shifted versions, which take a codec the same time."""


def lay_out(folder: Path, count: int, films: Path | None) -> SourceTables:
    """Write `count` films as JPEG, the format of large archives, and describe them in tables with one landmark each.

    Args:
        folder: New folder of the files.
        count: Number of films; fewer are written if `films` contains fewer.
        films: Folder of real films, which are used instead of phantoms.
    """
    folder.mkdir(parents=True)
    rows = []
    for number, picture in zip(range(count), _real(films) if films else _phantoms(), strict=False):
        name = f"film_{number:04}"
        (folder / f"{name}.jpg").write_bytes(encode_image(picture, ".jpg", 98))
        rows.append((name, f"{name}.jpg", "train", "train", *picture.shape[::-1], 0.1, "none", "benchmark"))
    columns = ["image_id", "path", "split", "subset", "width", "height", "pixel_size_mm", "machine", "dataset"]
    images = pd.DataFrame(rows, columns=columns)
    return SourceTables(
        images=images,
        landmarks=images[["image_id"]].assign(reader=CONSENSUS, landmark="Sella", x=800.0, y=900.0),
        cvm=pd.DataFrame(columns=["image_id", "stage"]),
        exclusions=pd.DataFrame(columns=["image_id", "reason"]),
    )


def _phantoms() -> Iterator[np.ndarray]:
    drawn = [cv2.resize(_phantom(index), ISBI_SIZE, interpolation=cv2.INTER_LINEAR) for index in range(_DRAWN)]
    shift = 0
    while True:
        for picture in drawn:
            yield np.roll(picture if shift % 2 else picture[:, ::-1], 7 * shift, axis=0)
        shift += 1


def _phantom(index: int) -> np.ndarray:
    return draw_cephalogram(sample_specimen(index, 42, max(ISBI_SIZE)), stream(42, index, 1))


def _real(folder: Path) -> Iterator[np.ndarray]:
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp")):
        yield decode_image(path.read_bytes(), str(path))
