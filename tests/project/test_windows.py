"""What of Windows can be shown elsewhere: see `windows_rules`. Nobody has run the project there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[1] / "samples"

IMPORTS = """
import importlib, pkgutil
import ceph_pipeline
for module in pkgutil.walk_packages(ceph_pipeline.__path__, "ceph_pipeline."):
    importlib.import_module(module.name)
    print(module.name)
"""

LOCKS_AND_FILES = """
import sys
from pathlib import Path
from ceph_pipeline.artifacts import DiskError, sweep, write_atomically
from ceph_pipeline.training.distributed.lock import PROCESS, holder, locked
folder = Path(sys.argv[1])
with locked(folder):
    assert holder(folder) == PROCESS
assert holder(folder) is None
write_atomically(folder / "table.csv", "a\\nb\\n")
assert (folder / "table.csv").read_bytes() == b"a\\nb\\n"
(folder / ".table.part-0badcafe.csv").write_text("of a killed run")
with (folder / ".other.part-0badcafe.csv").open("w"):
    assert sweep(folder) == 1, "what is being written stays"
with (folder / "table.csv").open():
    try:
        write_atomically(folder / "table.csv", "c")
    except DiskError as error:
        print(error)
"""


def under_windows_rules(program: str, *arguments: str) -> str:
    """What a program prints whose modules of this project meet what they would meet on Windows."""
    command = [sys.executable, "-c", f"import windows_rules; windows_rules.apply()\n{program}", *arguments]
    paths = os.pathsep.join([str(SAMPLES), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.mark.parametrize(
    "line", ["import fcntl", "from os import fork", "import os; os.killpg", "import signal; signal.SIGKILL", "import resource"]
)
def test_the_rules_refuse_what_windows_lacks(line):
    """To this project only: the standard library, which a library's name stands for here, keeps it."""
    program = (
        "try:\n    exec({line!r}, {{'__name__': {name!r}}})\nexcept (ImportError, AttributeError) as error:\n    print(error)"
    )
    refused = under_windows_rules(program.format(line=line, name="ceph_pipeline.new_module"))
    assert "Windows" in refused or "cannot import name 'fork'" in refused
    assert under_windows_rules(program.format(line=line, name="joblib")) == ""


def test_files_and_locks_keep_their_word(tmp_path):
    assert "table.csv cannot be written: Permission denied" in under_windows_rules(LOCKS_AND_FILES, str(tmp_path))
    assert (tmp_path / "table.csv").read_bytes() == b"a\nb\n"


@pytest.mark.slow
def test_every_module_is_imported_without_what_windows_lacks():
    imported = under_windows_rules(IMPORTS).split()
    assert {"ceph_pipeline.training.distributed.lock", "ceph_pipeline.benchmark.memory"} <= set(imported)
