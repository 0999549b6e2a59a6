"""Copies of drawn heads are told from other heads of the same device."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.audit import CHECKS, AuditParams, DuplicateTable, Evidence
from ceph_pipeline.audit.duplicates import OtherSetError, find_duplicates, find_foreign_duplicates
from ceph_pipeline.audit.params import DuplicateParams
from ceph_pipeline.audit.registration import UNLIKE, likeness, thumbnail
from ceph_pipeline.audit.signatures import sign_images, without_padding
from ceph_pipeline.audit.tables import ForeignDuplicateTable
from ceph_pipeline.images import ImageReadError, ImageStore
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import centre_of
from ceph_pipeline.landmarks.tables import TableError


def rotated(image, angle_deg=0.0, scale=1.0):
    size = image.shape[::-1]
    turn = Affine.similarity(centre_of(size), angle_deg=angle_deg, scale=scale)
    return cv2.warpAffine(image, turn.matrix, size, flags=cv2.INTER_LINEAR)


COPIES = {
    "exact": lambda image: image.copy(),
    "brighter": lambda image: np.clip(image * 1.3 + 20, 0, 255).astype(np.uint8),
    "darker": lambda image: (image * 0.55).astype(np.uint8),
    "gamma": lambda image: (255 * (image / 255) ** 0.6).astype(np.uint8),
    "noisy": lambda image: np.clip(image + np.random.default_rng(1).normal(0, 6, image.shape), 0, 255).astype(np.uint8),
    "jpeg": lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_GRAYSCALE),
    "cropped": lambda image: image[8:-8, 8:-4],
    "half size": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "rotated": lambda image: rotated(image, 1.5),
    "enlarged": lambda image: rotated(image, scale=1.025),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "padded": lambda image: np.pad(image, ((0, 90), (0, 40))),
    "padded with white all around": lambda image: np.pad(image, 60, constant_values=255),
}


@pytest.fixture
def search(tmp_path):
    """Near-duplicates among images given by name; train and test in turn."""

    def search(images, n_jobs=1, **params):
        store = ImageStore(str(tmp_path / "cache"), format="npy")
        for image_id, pixels in images.items():
            store.write(image_id, pixels)
        splits = [("train", "test")[i % 2] for i in range(len(images))]
        table = pd.DataFrame({"image_id": list(images), "split": splits})
        return find_duplicates(sign_images(table, store, n_jobs), DuplicateParams(**params), n_jobs)

    return search


class TestPadding:
    FILM = np.random.default_rng(0).integers(0, 200, (60, 50)).astype(np.uint8)

    @pytest.mark.parametrize("grey", [0, 128, 255])
    def test_one_grey_level_at_the_edges_is_no_film(self, grey):
        padded = np.pad(self.FILM, ((3, 20), (0, 7)), constant_values=grey)
        padded[-1, :10] ^= 2  # as JPEG leaves it
        np.testing.assert_array_equal(without_padding(padded), self.FILM)

    def test_it_is_at_any_depth(self):
        deep = self.FILM.astype(np.uint16) * 16
        np.testing.assert_array_equal(without_padding(np.pad(deep, 9)), deep)

    def test_a_film_of_12_bits_keeps_its_faint_edges(self):
        """Stored in 16 bits, it uses a sixteenth of what these could say."""
        film = self.FILM.astype(np.uint16) * 20
        film[:15] = 300 + 4 * np.arange(50)  # differs by 196 of 4,095
        np.testing.assert_array_equal(without_padding(np.pad(film, 9)), film)

    def test_lines_inside_the_film_stay(self):
        film = self.FILM.copy()
        film[20:30] = 7
        assert without_padding(film).shape == film.shape

    @pytest.mark.parametrize("image", [np.full((60, 50), 3, np.uint8), np.pad(FILM[:8, :8], 40)], ids=["empty", "a stamp"])
    def test_where_nearly_nothing_would_be_left_everything_stays(self, image):
        assert without_padding(image).shape == image.shape


class TestCopies:
    @pytest.mark.parametrize("name", COPIES)
    def test_a_copy_is_found_among_other_heads(self, heads, search, name):
        images = {f"other{seed}": heads(seed) for seed in range(10, 14)} | {"original": heads(5), "copy": COPIES[name](heads(5))}
        found = search(images)
        assert found[["image_a", "image_b", "split_a", "split_b"]].to_numpy().tolist() == [["original", "copy", "train", "test"]]
        assert found["mirrored"].item() == (name == "mirrored")
        DuplicateTable.validate(found)

    def test_an_exact_copy_has_no_difference(self, heads, search):
        found = search({"a": heads(5), "b": heads(5)})
        assert found[["hash_distance", "correlation", "grey_difference"]].to_numpy().tolist() == [[0, 1.0, 0.0]]

    def test_another_tone_keeps_the_correlation_and_shows_in_the_grey_difference(self, heads, search):
        found = search({"a": heads(5), "b": COPIES["brighter"](heads(5))})
        assert found["correlation"].item() > 0.95
        assert found["grey_difference"].item() > 20

    def test_sixteen_bits_are_a_copy_of_eight(self, heads, search):
        found = search({"a": heads(5), "b": heads(5).astype(np.uint16) * 257})
        assert found["grey_difference"].item() == pytest.approx(0.0, abs=0.01)

    def test_threads_do_not_change_the_table(self, heads, search):
        images = {f"h{seed}{copy}": heads(seed) for seed in range(4) for copy in "ab"}
        pd.testing.assert_frame_equal(search(images, n_jobs=1), search(images, n_jobs=3))


class TestDifferentImages:
    def test_heads_of_one_device_are_no_copies_even_when_every_pair_is_compared(self, heads, search):
        found = search({f"h{seed}": heads(seed) for seed in range(8)}, max_hash_distance=128)
        assert found.empty

    def test_a_table_without_pairs_keeps_its_columns(self, heads, search):
        assert list(DuplicateTable.validate(search({"a": heads(1)})).columns) == list(DuplicateTable.to_schema().columns)

    def test_images_without_structure_are_unlike(self):
        blank = thumbnail(np.full((300, 200), 90, np.uint8))
        assert likeness(blank, blank) == UNLIKE

    def test_a_missing_image_is_named(self, tmp_path):
        table = pd.DataFrame({"image_id": ["gone"], "split": ["train"]})
        with pytest.raises(ImageReadError, match=r"gone\.npy does not exist"):
            sign_images(table, ImageStore(str(tmp_path), format="npy"))


class TestFindings:
    def test_a_copy_across_splits_is_an_error_and_within_one_a_warning(self, images, landmarks, quarantine, make_duplicates):
        pairs = make_duplicates(("c00", "train", "c01", "test"), ("c02", "train", "c03", "train"))
        found = list(CHECKS["near_duplicates"].find(Evidence(images, landmarks, quarantine, pairs), AuditParams()))
        assert [(finding.severity, finding.image_id) for finding in found] == [("error", "c00"), ("warning", "c02")]
        assert found[0].detail.startswith("c00 and c01 show the same radiograph (train and test)")
        assert "(both train)" in found[1].detail


class TestOtherDataSets:
    @pytest.fixture
    def other_root(self, tmp_path, heads):
        """A data root with three heads, of whom the second is head 5 in another tone."""
        store = ImageStore(str(tmp_path / "other/02_intermediate/cache"), format="npy")
        for name, film in {"001": heads(20), "002": COPIES["darker"](heads(5)), "003": heads(21)}.items():
            store.write(name, film)
        (tmp_path / "other/03_primary").mkdir()
        images = pd.DataFrame({"image_id": ["001", "002", "003"], "split": "test", "dataset": "elsewhere"})
        images.to_parquet(tmp_path / "other/03_primary/images.parquet")
        return str(tmp_path / "other")

    @pytest.fixture
    def own(self, tmp_path, heads):
        store = ImageStore(str(tmp_path / "own"), format="npy")
        for name, seed in {"001": 4, "002": 5, "003": 6}.items():
            store.write(name, heads(seed))
        images = pd.DataFrame({"image_id": ["001", "002", "003"], "split": "train", "dataset": "clinic"})
        return sign_images(images, store)

    def test_a_film_of_another_set_is_found_under_the_same_name_too(self, own, other_root):
        found = find_foreign_duplicates(own, DuplicateParams(other_data_roots=(other_root,)))
        ForeignDuplicateTable.validate(found)
        assert found[["image_id", "other_dataset", "other_image"]].to_numpy().tolist() == [["002", "elsewhere", "002"]]

    def test_without_other_sets_there_is_an_empty_table(self, own):
        assert ForeignDuplicateTable.validate(find_foreign_duplicates(own, DuplicateParams())).empty

    def test_a_root_that_was_never_ingested_is_refused(self, own, tmp_path):
        with pytest.raises(OtherSetError, match=r"has no 03_primary/images\.parquet"):
            find_foreign_duplicates(own, DuplicateParams(other_data_roots=(str(tmp_path),)))

    @pytest.mark.parametrize("content", [b"", pd.DataFrame({"image_id": ["001"], "stage": [3]}).to_parquet()])
    def test_a_root_whose_table_of_images_is_damaged_or_another_is_refused(self, own, other_root, content):
        (Path(other_root) / "03_primary/images.parquet").write_bytes(content)
        with pytest.raises(TableError, match=r"images\.parquet: not a table with image_id, split, dataset .*Delete the file"):
            find_foreign_duplicates(own, DuplicateParams(other_data_roots=(other_root,)))
