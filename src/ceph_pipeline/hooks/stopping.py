"""A run that was told to stop does so, at the latest before its next node or, in its last, before it counts as finished."""

import signal
from types import FrameType
from typing import NoReturn

from kedro.framework.hooks import hook_impl

_received: list[int] = []


def stop_on_signals() -> None:
    """From now on Ctrl-C and SIGTERM end this process as they should: files and records are left in order."""
    _received.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    _received.append(number)
    _end(number)


def _end(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


class StoppingHook:
    """Ends a run whose signal got lost.

    Python drops what is raised in destructors and in callbacks of weak references, such as those of an import that is under way.
    """

    @hook_impl(tryfirst=True)
    def before_node_run(self) -> None:
        """End the run before its next node, if it was told to stop and goes on."""
        _end_if_told()

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        """End the run, if it was told to stop in its last node."""
        _end_if_told()


def _end_if_told() -> None:
    """Raise KeyboardInterrupt after Ctrl-C, SystemExit after SIGTERM."""
    if _received:
        _end(_received[0])
