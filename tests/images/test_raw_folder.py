import os

import pytest

from ceph_pipeline.images import ImageReadError, RawFolder


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "film.bmp").write_bytes(bytes(500_000))
    return RawFolder(tmp_path, "aariz")


def stamp(raw, path="film.bmp"):
    (found,) = raw.stamps([path])
    return found


class TestStamps:
    @pytest.mark.parametrize("position", [0, 4096, 123_457, 499_999])
    def test_one_other_byte_is_noticed_under_the_same_size_and_times(self, raw, position):
        before, file = stamp(raw), raw.root / "film.bmp"
        times = file.stat()
        with file.open("r+b") as stream:
            stream.seek(position)
            stream.write(b"\x01")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert stamp(raw) != before

    def test_another_length_is_noticed(self, raw):
        before = stamp(raw)
        (raw.root / "film.bmp").write_bytes(bytes(500_001))
        assert stamp(raw) != before

    def test_a_file_that_was_only_copied_is_the_same(self, raw):
        before = stamp(raw)
        os.utime(raw.root / "film.bmp", (0, 0))
        assert stamp(raw) == before

    def test_they_come_in_the_order_of_the_paths_and_a_missing_file_has_none(self, raw):
        for content in (b"", b"a", b"b"):
            (raw.root / f"{content!r}").write_bytes(content)
        found = raw.stamps([repr(b"a"), "absent.bmp", repr(b""), repr(b"b"), repr(b"a")])
        assert found[1] is None
        assert found[0] == found[4]
        assert len(set(found)) == 4


def test_a_film_that_is_a_loop_of_links_is_refused_as_one(raw):
    (raw.root / "loop.bmp").symlink_to("loop.bmp")
    with pytest.raises(ImageReadError, match="symbolic links"):
        raw.read("loop.bmp")
