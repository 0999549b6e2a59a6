"""Memory allocation of networks on a CPU."""

from __future__ import annotations

import ctypes
import functools
import sys

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
"""Parameters of glibc's `mallopt`, from malloc.h."""


@functools.cache
def keep_freed_memory() -> None:
    """Make glibc keep the memory that this process frees, instead of returning it to the operating system.

    A network allocates and frees the same tensors of tens of megabytes in each step. By default glibc maps such blocks anew each
    time, and the kernel fills every page with zeros. On two CPU cores that takes a quarter of a training step's time and half of
    a prediction's (docs/benchmark.md). The process's memory remains at its peak. Other C libraries are left unchanged.

    Source:
        mallopt(3), Linux Programmer's Manual.

    Example:
        >>> keep_freed_memory()
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)
