"""Stop a run after a signal: at the latest before its next node, or before it is recorded as finished."""

import signal
from types import FrameType
from typing import NoReturn

from kedro.framework.hooks import hook_impl

_received: list[int] = []


def stop_on_signals() -> None:
    """Install handlers for Ctrl-C and SIGTERM that raise an exception, so that files and records are left consistent."""
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
    """Ends a run whose signal had no effect.

    Python discards exceptions that are raised in destructors and in callbacks of weak references, for example during an import.
    """

    @hook_impl(tryfirst=True)
    def before_node_run(self) -> None:
        """End the run before its next node if a stop signal was received."""
        _end_if_told()

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        """End the run if a stop signal was received during its last node."""
        _end_if_told()


def _end_if_told() -> None:
    """Raise KeyboardInterrupt after Ctrl-C, SystemExit after SIGTERM."""
    if _received:
        _end(_received[0])
