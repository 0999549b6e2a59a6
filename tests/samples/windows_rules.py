"""Lets this project's modules meet, on Linux, what they would meet on Windows; libraries keep what they need.

Import it, and call `apply`, before the project is imported.
"""

import builtins
import os
import sys
import types
from pathlib import Path

OURS = "ceph_pipeline"

MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
"""What there is not on Windows, of the standard library."""

OF_OS = """
    WEXITSTATUS WIFEXITED chown fchmod fchown fork forkpty getegid geteuid getgid getpgid getpriority getuid killpg lockf mkfifo
    mknod nice openpty pread pwrite sched_getaffinity setpgid setpriority setsid statvfs sysconf uname wait O_NOFOLLOW O_NONBLOCK
"""
OF_SIGNAL = "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 alarm pause"
NAMES = {"os": {*OF_OS.split()}, "signal": {*OF_SIGNAL.split()}, "sys": set[str]()}
"""What there is not on Windows, of modules that are there."""


class _Module(types.ModuleType):
    """A module as this project sees it."""

    def __init__(self, real: types.ModuleType) -> None:
        super().__init__(real.__name__)
        object.__setattr__(self, "_real", real)

    def __getattribute__(self, name: str) -> object:
        real = object.__getattribute__(self, "_real")
        if name in NAMES[real.__name__]:
            raise AttributeError(f"module {real.__name__!r} has no attribute {name!r} on Windows")
        return "win32" if (real, name) == (sys, "platform") else getattr(real, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(object.__getattribute__(self, "_real"), name, value)


PASSED_ON = {"contextlib", "pathlib", "shutil", "tempfile", "weakref", __name__}
"""Modules that delete and rename for their caller."""


def apply() -> None:
    """From now on this project imports as on Windows, and deletes and renames no file that this process has open or mapped."""
    seen = {name: _Module(__import__(name)) for name in NAMES}
    real_import = builtins.__import__

    def imported(name: str, globals: dict | None = None, locals: object = None, fromlist: tuple = (), level: int = 0) -> object:
        if level or not (globals or {}).get("__name__", "").startswith(OURS):
            return real_import(name, globals, locals, fromlist, level)
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r} on Windows", name=name)
        return seen[name] if name in seen else real_import(name, globals, locals, fromlist, level)

    builtins.__import__ = imported
    for name in ("unlink", "remove", "replace", "rename"):
        setattr(os, name, _refusing(getattr(os, name)))


def _refusing(function: types.BuiltinFunctionType) -> types.FunctionType:
    def refused(*paths: object, **options: object) -> None:
        if _is_called_by_us():
            for path in paths:
                if Path(path).absolute() in _open_files():
                    raise PermissionError(13, "Permission denied: Windows deletes and renames nothing that is open", str(path))
        function(*paths, **options)

    return refused


def _is_called_by_us() -> bool:
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in PASSED_ON:
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__", "").startswith(OURS)


def _open_files() -> set[Path]:
    mapped = {line.split(maxsplit=5)[5].strip() for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line}
    opened = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            opened.add(str(entry.readlink()))
        except OSError:
            continue
    return {Path(name) for name in mapped | opened}
