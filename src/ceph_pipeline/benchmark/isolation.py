"""Run measurements in separate processes, so that compiled code, cached memory or crashes do not affect the next measurement."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from ceph_pipeline.errors import CephError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class KilledError(CephError, RuntimeError):
    """The process was killed, for example because the system ran out of memory."""


def in_own_process(function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Call a module-level function in a new process.

    Raises:
        KilledError: the process ended without a result.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(function, *args, **kwargs).result()
        except BrokenProcessPool as error:
            raise KilledError("the measuring process was killed; the system may have run out of memory") from error
