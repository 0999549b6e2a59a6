"""Whether freed memory is kept, measured by the page faults of allocating it again."""

import platform
import subprocess
import sys

import pytest

_PAGE_FAULTS = """
import resource, sys
import torch
from ceph_pipeline.detector.allocation import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
torch.ones(1 << 24)  # 64 MB
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(1 << 24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(memory: str) -> int:
    command = [sys.executable, "-c", _PAGE_FAULTS, memory]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the setting")
def test_freed_memory_is_allocated_again_without_page_faults():
    assert _page_faults("kept") < 0.1 * _page_faults("returned")
