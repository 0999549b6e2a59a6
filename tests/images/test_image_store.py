import mmap
import pickle

import fsspec
import numpy as np
import pytest

from ceph_pipeline.images import ImageReadError, ImageStore


@pytest.fixture
def film():
    return np.random.default_rng(1).integers(0, 255, (30, 20), dtype=np.uint8)


@pytest.fixture
def bucket():
    """A folder on a file system that is not the local disk."""
    yield "memory://bucket/augmented"
    fsspec.filesystem("memory").store.clear()


@pytest.mark.parametrize("format", ["png", "bmp", "npy"])
def test_lossless_stores_return_what_was_written(tmp_path, film, format):
    store = ImageStore(str(tmp_path / "new"), format=format)
    n_bytes = store.write("ceph_1", film)

    np.testing.assert_array_equal(store.read("ceph_1"), film)
    assert (tmp_path / "new" / f"ceph_1.{format}").stat().st_size == n_bytes


def test_a_local_npy_store_maps_its_files_read_only(tmp_path, film):
    store = ImageStore(str(tmp_path), format="npy")
    store.write("a", film)

    image = store.read("a")
    assert isinstance(image.base, mmap.mmap)
    assert not image.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        store.read("a")[0, 0] = 1


@pytest.mark.parametrize("format", ["png", "npy"])
def test_object_storage_works_like_a_disk(bucket, film, format):
    store = ImageStore(bucket, format=format)
    assert not store.exists("a")
    store.write("a", film)

    assert store.exists("a")
    assert not store.folder.is_local
    np.testing.assert_array_equal(store.read("a"), film)


def test_writing_leaves_no_temporary_file(tmp_path, film):
    ImageStore(str(tmp_path)).write("a", film)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_failed_rename_leaves_neither_file_nor_remains(tmp_path, film, monkeypatch):
    def fail(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(type(tmp_path), "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        ImageStore(str(tmp_path)).write("a", film)
    assert list(tmp_path.iterdir()) == []


class TestLinks:
    def test_a_linked_image_is_the_same_file_under_another_name(self, tmp_path, film):
        one, two = ImageStore(str(tmp_path / "one")), ImageStore(str(tmp_path / "two"))
        one.write("a", film)
        two.write("b", film // 2)
        assert two.link("b", one, "a")
        assert (tmp_path / "two/b.png").samefile(tmp_path / "one/a.png")
        one.write("a", film // 2)
        np.testing.assert_array_equal(two.read("b"), film)
        assert two.link("b", one, "a")
        two.discard({"b"})
        np.testing.assert_array_equal(one.read("a"), film // 2)

    def test_what_cannot_be_linked_is_said(self, tmp_path, bucket, film):
        local, other = ImageStore(str(tmp_path / "one")), ImageStore(str(tmp_path / "two"), format="npy")
        local.write("a", film)
        assert not other.link("a", local, "a")
        assert not ImageStore(bucket).link("a", local, "a")
        assert not ImageStore(str(tmp_path / "two")).link("b", local, "missing")


class TestContent:
    @pytest.fixture(params=["disk", "bucket"])
    def store(self, request, tmp_path, bucket):
        return ImageStore(str(tmp_path / "images") if request.param == "disk" else bucket)

    def test_whole_images_are_listed_by_identifier(self, store, film):
        assert store.ids() == set()
        for image_id in ("a", "b.c"):
            store.write(image_id, film)
        store.folder.write(".a.0123abcd.png", b"half")
        store.folder.write("a.txt", b"no image")
        assert store.ids() == {"a", "b.c"}

    def test_what_is_discarded_is_gone(self, store, film):
        for image_id in ("a", "b"):
            store.write(image_id, film)
        store.discard({"a"})
        store.discard(())
        assert store.ids() == {"b"}

    def test_clearing_takes_images_of_every_format_and_nothing_else(self, store, film):
        store.write("a", film)
        for name in ("b.jpg", "notes.txt", ".ledger.json"):
            store.folder.write(name, b"x")
        store.clear()
        assert sorted(store.folder.names()) == [".ledger.json", "notes.txt"]

    def test_sweeping_takes_what_is_half_written(self, store, film):
        store.write("a", film)
        half_written = (
            [".a.part-0123abcd.png", ".a.part-0123abcd", "..ledger.part-0123abcd.json"] if store.folder.is_local else []
        )
        for name in (*half_written, ".ledger.json"):
            store.folder.write(name, b"x")
        store.sweep()
        assert sorted(store.folder.names()) == [".ledger.json", "a.png"]


def test_a_handle_travels_to_workers_by_pickle(tmp_path, film):
    store = ImageStore(str(tmp_path))
    store.write("a", film)

    np.testing.assert_array_equal(pickle.loads(pickle.dumps(store)).read("a"), film)  # noqa: S301 - our own bytes


@pytest.mark.parametrize("identifier", ["../a", "a/b", "", ".a", "a\n", "a b"])
def test_an_identifier_cannot_leave_the_folder(tmp_path, identifier):
    with pytest.raises(ValueError, match="is not a safe file name"):
        ImageStore(str(tmp_path)).location(identifier)


class TestAMissingImage:
    @pytest.fixture(params=["disk", "bucket"])
    def folder(self, request, tmp_path, bucket):
        return str(tmp_path) if request.param == "disk" else bucket

    @pytest.mark.parametrize("format", ["png", "npy"])
    def test_is_named_with_its_store_and_what_makes_it_again(self, folder, format):
        expected = rf"{folder}/absent\.{format} does not exist\. Run the pipeline .* again.* ingestion for the cache"
        with pytest.raises(ImageReadError, match=expected):
            ImageStore(folder, format=format).read("absent")

    def test_is_found_before_work_begins(self, folder, film):
        store = ImageStore(folder)
        for image_id in ("a", "b", "c"):
            store.write(image_id, film)
        store.require(["a", "b"])
        store.discard(["b", "c"])
        with pytest.raises(ImageReadError, match=rf"{folder}/b\.png does not exist, and 1 other required image is missing too"):
            store.require(iter(["a", "b", "c"]))


@pytest.mark.parametrize("format", ["png", "npy"])
@pytest.mark.parametrize("content", [b"", b"no image"])
def test_a_damaged_file_is_named(tmp_path, format, content):
    (tmp_path / f"a.{format}").write_bytes(content)
    with pytest.raises(ImageReadError, match=rf"a\.{format}: damaged"):
        ImageStore(str(tmp_path), format=format).read("a")


def test_the_handle_says_where_it_points(tmp_path):
    assert repr(ImageStore("s3://bucket/x/", format="jpg")) == "ImageStore('s3://bucket/x', format='jpg')"


@pytest.mark.parametrize(
    "image",
    [
        np.array([{"os": "system"}], dtype=object),  # would be unpickled
        np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)),
    ],
)
def test_an_npy_file_of_anything_but_rows_of_numbers_is_refused(tmp_path, image):
    np.save(tmp_path / "a.npy", image)
    with pytest.raises(ImageReadError, match=r"a\.npy: damaged \(not an array of numbers in rows\)"):
        ImageStore(str(tmp_path), format="npy").read("a")


@pytest.mark.parametrize("kept", [0, 5, 9, 60, 128, 200])
def test_an_npy_file_cut_off_anywhere_is_damaged(tmp_path, kept):
    store = ImageStore(str(tmp_path), format="npy")
    store.write("a", np.zeros((20, 30), np.uint16))
    file = tmp_path / "a.npy"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ImageReadError, match=r"a\.npy: damaged"):
        store.read("a")
