"""Folders on disk and in a bucket behave alike; what cannot be written to says so before work begins."""

import os
import pickle
import shutil
import sys

import fsspec
import pytest

from ceph_pipeline.artifacts import DiskError, Folder, FolderError


@pytest.fixture(params=["disk", "colons", "file url", "bucket"])
def folder(request, tmp_path):
    urls = {
        "disk": str(tmp_path / "a"),
        "colons": str(tmp_path / "a::b"),
        "file url": f"file://{tmp_path}/a",
        "bucket": "memory://bucket/a",
    }
    yield Folder(urls[request.param])
    fsspec.filesystem("memory").store.clear()


def test_what_is_written_is_there(folder):
    assert folder.names() == []
    folder.write("x.bin", b"1")
    folder.write("y.bin", b"2")
    folder.write("x.bin", b"3")
    assert sorted(folder.names()) == ["x.bin", "y.bin"]
    assert folder.read("x.bin") == b"3"
    with folder.open("y.bin") as stream:
        assert stream.read() == b"2"
    assert folder.exists("x.bin")
    folder.remove(["x.bin"])
    folder.remove([])
    assert folder.names() == ["y.bin"]
    assert not folder.exists("x.bin")


def test_what_is_not_there_is_not_found(folder):
    for access in (folder.read, folder.open):
        with pytest.raises(FileNotFoundError):
            access("absent")


def test_a_writable_folder_keeps_nothing_of_the_check(folder):
    folder.check_writable()
    assert folder.names() == []


def test_a_handle_travels_by_pickle(folder):
    folder.write("x.bin", b"1")
    assert pickle.loads(pickle.dumps(folder)).read("x.bin") == b"1"  # noqa: S301 - our own bytes


def test_secrets_are_not_shown():
    assert "hunter2" not in repr(Folder("s3://bucket", {"secret": "hunter2"}))


def test_a_bucket_is_no_path():
    with pytest.raises(ValueError, match="is not a local folder"):
        Folder("memory://bucket").path  # noqa: B018 - the property is the subject


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser, and Windows, may write anywhere")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DiskError, match="cannot be written: Permission denied"):
        Folder(str(tmp_path)).check_writable()


def test_a_folder_below_a_file_is_named_with_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match=r"file/a cannot be written to: .*Set data_root in globals\.yml"):
        Folder(str(tmp_path / "file" / "a")).check_writable()


def test_a_store_whose_client_fails_is_named_with_the_way_out(monkeypatch):
    class NoCredentialsError(Exception):
        """As botocore's: no `OSError`."""

    def refuse(*args, **kwargs):
        raise NoCredentialsError("Unable to locate credentials")

    for method in ("cat_file", "ls", "pipe_file"):
        monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, method, refuse)
    folder = Folder("memory://bucket/a")
    for access in (lambda: folder.read("x"), folder.names, folder.check_writable):
        with pytest.raises(FolderError, match=r"bucket/a cannot be .*Unable to locate credentials.*data_root in globals\.yml"):
            access()


def test_a_disk_that_is_too_small_is_named_before_it_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10**9})())
    folder = Folder(str(tmp_path / "not" / "yet"))
    folder.check_space(9e8)
    with pytest.raises(DiskError, match=r"about 2\.0 GB are needed, but 1\.0 GB are free"):
        folder.check_space(2e9)
    Folder("memory://bucket").check_space(1e18)


def test_stamps_name_files_at_any_depth_and_change_with_their_content(folder):
    folder.write("a.bin", b"1")
    folder.write("deep/er/b.bin", b"2")
    before = folder.stamps()
    assert set(before) == {"a.bin", "deep/er/b.bin"}
    folder.write("a.bin", b"longer")
    after = folder.stamps()
    assert after["a.bin"] != before["a.bin"]
    assert after["deep/er/b.bin"] == before["deep/er/b.bin"]


def test_a_folder_that_is_not_there_has_no_stamps(folder):
    with pytest.raises(FileNotFoundError):
        folder.stamps()


def test_fetching_says_what_is_gone_and_what_leads_elsewhere(tmp_path):
    bucket = Folder("memory://bucket/a")
    bucket.write("deep/b.bin", b"2")
    reasons = bucket.fetch(["deep/b.bin", "gone.bin", "../../outside.bin", "/outside.bin"], tmp_path / "here")
    assert reasons == {
        "gone.bin": "deleted after the folder was listed",
        "../../outside.bin": "its name refers to a path outside the folder",
        "/outside.bin": "its name refers to a path outside the folder",
    }
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == ["here/deep/b.bin"]
    assert (tmp_path / "here/deep/b.bin").read_bytes() == b"2"
    fsspec.filesystem("memory").store.clear()


def test_a_link_to_nowhere_has_a_stamp_too(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "nowhere.png")
    assert Folder(str(tmp_path)).stamps() == {"link.png": "unreadable"}


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser, and Windows, may open any folder")
def test_a_closed_folder_has_a_stamp_in_place_of_its_files(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    assert Folder(str(tmp_path)).stamps() == {"closed": "unreadable"}
