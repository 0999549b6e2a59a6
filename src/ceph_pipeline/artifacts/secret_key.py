"""The secret key for the pseudonyms of films: a file that is created once and read by all later runs."""

import secrets
from functools import cache

from filelock import FileLock

from ceph_pipeline.artifacts.atomic import atomic_path
from ceph_pipeline.artifacts.folder import Folder, FolderError
from ceph_pipeline.errors import CephError

_BYTES = 32
_CREATION_S = 30.0
"""Timeout for another process that writes the file."""
_place: list[str] = []
"""The key file of this process, after `use_key` was called."""


class SecretKeyError(CephError, ValueError):
    """The key file does not contain a valid key."""


def use_key(file: str) -> None:
    """Use the key in a file from now on; the file is read, or created, when the key is first needed after this call.

    Args:
        file: A path, or any fsspec URL.
    """
    _place[:] = [file]
    _of_file.cache_clear()


def secret_key() -> bytes:
    """The key of this process: from the file of `use_key`, or a random key for this process only.

    Raises:
        SecretKeyError: the file does not contain a valid key.
        FolderError: the file cannot be read, or does not exist and cannot be written.
    """
    return _of_file(_place[0]) if _place else _of_process()


@cache
def _of_process() -> bytes:
    return secrets.token_bytes(_BYTES)


@cache
def _of_file(file: str) -> bytes:
    folder, slash, name = file.rpartition("/")
    place = Folder(folder or slash or ".")
    try:
        if not place.exists(name):
            _make(place, name)
        content = place.read(name)
    except OSError as error:
        hint = "Set pseudonym_key or data_root to a path where you may read and write."
        reason = error.strerror or error
        raise FolderError(f"{file}: the key for pseudonyms cannot be read or created ({reason}). {hint}") from None
    try:
        key = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise SecretKeyError(
            f"{file}: expected the key for pseudonyms, {2 * _BYTES} hex digits. Restore a copy of the file, or delete it. If you "
            "delete it, films get new pseudonyms, which do not match those of earlier runs."
        )
    return key


def _make(place: Folder, name: str) -> None:
    """Write a new key that only its owner may read, unless another process has written one in the meantime."""
    content = secrets.token_hex(_BYTES).encode()
    if not place.is_local:
        place.write(name, content)
        return
    target = place.path / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{name}.lock"), timeout=_CREATION_S):
        if not target.exists():
            with atomic_path(target) as temporary:
                temporary.chmod(0o600)
                temporary.write_bytes(content)
