"""Measurements in processes of their own: no compiled code, cached memory or crash of one reaches the next."""

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
    """The process was killed, as systems do with one that takes more memory than there is."""


def in_own_process(function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Call a function of a module in a new process.

    Raises:
        KilledError: the process ended without an answer.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(function, *args, **kwargs).result()
        except BrokenProcessPool as error:
            raise KilledError("the measuring process was killed; the system's memory may not suffice") from error
