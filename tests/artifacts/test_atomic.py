import pytest

from ceph_pipeline.artifacts import atomic_path, write_atomically


def test_a_file_appears_when_its_writing_ends(tmp_path):
    target = tmp_path / "deep" / "table.parquet"
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.suffix == ".parquet", "writers choose their format by it"

    assert target.read_text() == "whole"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "report.json"
    write_atomically(target, "old")

    def fail():
        with atomic_path(target) as temporary:
            temporary.write_text("ha")
            raise RuntimeError("disk pulled out")

    with pytest.raises(RuntimeError, match="disk pulled out"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert target.read_text() == "old"


def test_text_is_utf8_and_bytes_stay_bytes(tmp_path):
    write_atomically(tmp_path / "text", "0.1 mm · 12 %")
    write_atomically(tmp_path / "bytes", b"\x00\xff")

    assert (tmp_path / "text").read_bytes() == "0.1 mm · 12 %".encode()
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff"
