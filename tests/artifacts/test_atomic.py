import subprocess
import sys

import pytest

from ceph_pipeline.artifacts import atomic_path, sweep, write_atomically


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


WRITER = """
import sys, time
from pathlib import Path
from ceph_pipeline.artifacts import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("ha")
    print("writing", flush=True)
    sys.stdin.readline()
    temporary.write_text("whole")
"""


def test_sweeping_takes_what_the_dead_left_and_nothing_that_is_being_written(tmp_path):
    def start(name):
        command, pipe = [sys.executable, "-c", WRITER, str(tmp_path / name)], subprocess.PIPE
        writer = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        assert "writing\n" in iter(writer.stdout.readline, "")
        return writer

    (tmp_path / ".notes.part-a.txt").write_text("the user's own")
    dead, living = start("deep/dead.png"), start("deep/living.png")
    dead.kill()
    dead.communicate()

    assert sweep(tmp_path) == 1
    living.communicate("go on\n")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [".notes.part-a.txt", "living.png"]
    assert (tmp_path / "deep" / "living.png").read_text() == "whole"
    assert sweep(tmp_path / "absent") == 0
