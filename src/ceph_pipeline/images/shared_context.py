"""What changes the whole process while films are read, shared by the threads that read them."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, ExitStack
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SharedContext:
    """A context that its first thread enters and its last one leaves.

    Threads that swap and restore `warnings.filters` each for itself take them from each other, and may leave them swapped.

    Args:
        make: The context.
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
