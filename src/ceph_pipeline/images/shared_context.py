"""Context managers with effect on the whole process, shared by the threads that read films."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, ExitStack
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SharedContext:
    """A context that is entered by the first thread and left by the last.

    If each thread changed and restored `warnings.filters` separately, threads would overwrite each other's changes, and the
    filters could remain changed.

    Args:
        make: Creates the context.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[object]]) -> None:
        self._make, self._lock, self._inside, self._entered = make, Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._entered.enter_context(self._make())
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._entered.close()


no_warnings = SharedContext(lambda: warnings.catch_warnings(action="ignore"))
