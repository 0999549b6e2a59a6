"""Films of every kind as training data: the marked point lies on the same bright disc in all of them, at the same grey."""

import cv2
import film_samples as samples
import numpy as np
import pytest

from ceph_pipeline import formats
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.ingestion import build_cache

SIZE = (160, 200)
DISC = (100, 70)
DEPTHS = (np.uint8, np.uint16)


def film(dtype=np.uint8):
    """Dark, with a bright disc at the Sella and a dim one that only a turned or mirrored film has there."""
    image = np.full(SIZE[::-1], 40, np.uint8)
    cv2.circle(image, DISC, 8, 220, -1)
    cv2.circle(image, (SIZE[0] - 1 - DISC[0], SIZE[1] - 1 - DISC[1]), 8, 90, -1)
    return image if dtype is np.uint8 else image.astype(np.uint16) * 257


def negative(dtype):
    return np.iinfo(dtype).max - film(dtype)


FILMS = {
    **{name: make(film()) for name, make in samples.SOUND.items()},
    **{f"{name}-deep": samples.SOUND[name](film(np.uint16)) for name in ("png", "jp2", "tif", "mha", "dcm")},
    **{f"tif-white-is-zero-{kind.__name__}": samples.tiff(negative(kind), photometric="miniswhite") for kind in DEPTHS},
    **{f"dcm-monochrome1-{kind.__name__}": samples.dicom(negative(kind), photometric="MONOCHROME1") for kind in DEPTHS},
    "dcm-12-bit": samples.dicom((film() * 16.05).astype(np.uint16), BitsStored=12, HighBit=11),
}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory):
    """Tables and cache of a sheet of all films, and the store."""
    folder = tmp_path_factory.mktemp("kinds")
    files = {name: f"{name}.{name.partition('-')[0]}" for name in FILMS}
    for name, file in files.items():
        samples.write(folder / file, FILMS[name])
    rows = "".join(f"{file},{DISC[0]},{DISC[1]}\n" for file in files.values())
    (folder / "points.csv").write_text(f"image,S_x,S_y\n{rows}")
    found = formats.read(folder, "table")
    store = ImageStore(str(folder.parent / "cache"), format="npy")
    build = build_cache(found.images, RawFolder(folder, "table"), store, long_side_px=100)
    assert build.problems == ()
    return found, store


def test_none_is_left_out(ingested):
    found, store = ingested
    assert set(found.images["image_id"]) == set(FILMS) == set(store.ids())
    assert set(zip(found.images["width"], found.images["height"], strict=True)) == {SIZE}


@pytest.mark.parametrize("name", FILMS)
def test_the_point_is_on_the_bright_disc(ingested, name):
    found, store = ingested
    point = found.landmarks.set_index("image_id").loc[name, ["x", "y"]].astype(float)
    copy = store.read(name).astype(float)
    highest = np.iinfo(store.read(name).dtype).max
    x, y = ((value + 0.5) / 2 - 0.5 for value in point)
    assert copy[round(y), round(x)] / highest == pytest.approx(220 / 255, abs=0.02)
    assert copy[5, 5] / highest == pytest.approx(40 / 255, abs=0.02)
    ys, xs = np.nonzero(copy > 0.6 * highest)
    assert (xs.mean(), ys.mean()) == pytest.approx((x, y), abs=0.3)
