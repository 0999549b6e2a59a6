import os

import pytest

from ceph_pipeline.images import RawFolder


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "film.bmp").write_bytes(bytes(500_000))
    return RawFolder(tmp_path, "aariz")


class TestStamp:
    @pytest.mark.parametrize("position", [0, 32 * 1024, 250_000, 499_999])
    def test_another_content_of_the_same_length_is_noticed(self, raw, position):
        before = raw.stamp("film.bmp")
        content = bytearray(500_000)
        content[max(0, position - 40_000) : position + 40_000] = b"\x01" * (
            min(position + 40_000, 500_000) - max(0, position - 40_000)
        )
        (raw.root / "film.bmp").write_bytes(content)
        assert raw.stamp("film.bmp") != before

    def test_another_length_is_noticed(self, raw):
        before = raw.stamp("film.bmp")
        (raw.root / "film.bmp").write_bytes(bytes(500_001))
        assert raw.stamp("film.bmp") != before

    def test_a_file_that_was_only_copied_is_the_same(self, raw):
        before = raw.stamp("film.bmp")
        os.utime(raw.root / "film.bmp", (0, 0))
        assert raw.stamp("film.bmp") == before

    def test_files_shorter_than_a_block_have_their_own(self, raw):
        for content in (b"", b"a", b"b"):
            (raw.root / f"{content!r}").write_bytes(content)
        assert len({raw.stamp(f"{content!r}") for content in (b"", b"a", b"b")}) == 3

    def test_a_missing_file_has_none(self, raw):
        assert raw.stamp("absent.bmp") is None


def test_a_path_cannot_leave_the_folder(raw):
    with pytest.raises(ValueError, match="leaves the raw folder"):
        raw.read("../film.bmp")
