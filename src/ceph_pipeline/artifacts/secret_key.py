"""The secret behind films' pseudonyms: a file that is made once and read by every later run."""

import secrets
from functools import cache

from filelock import FileLock

from ceph_pipeline.artifacts.atomic import atomic_path
from ceph_pipeline.artifacts.folder import Folder, FolderError
from ceph_pipeline.errors import CephError

_BYTES = 32
_CREATION_S = 30.0
"""How long another process may take to write the file."""
_place: list[str] = []
"""Where this process has its key, once it has been told."""


class SecretKeyError(CephError, ValueError):
    """The file of the secret holds no secret."""


def use_key(file: str) -> None:
    """Take the secret from a file, from now on; it is read, or made, when it is first needed after this call.

    Args:
        file: A path, or any fsspec URL.
    """
    _place[:] = [file]
    _of_file.cache_clear()


def secret_key() -> bytes:
    """The secret of this process: of the file that `use_key` named, or drawn for this process alone.

    Raises:
        SecretKeyError: the file holds something else.
        FolderError: it cannot be read, or there is none and none can be written.
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
        hint = "Set pseudonym_key, or data_root, to a place where you may read and write."
        raise FolderError(f"{file}: the secret of films' pseudonyms cannot be had ({error.strerror or error}). {hint}") from None
    try:
        key = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise SecretKeyError(
            f"{file}: expected the secret of films' pseudonyms, {2 * _BYTES} hex digits. Put a copy of the file back; or "
            "delete it, and films get new pseudonyms, by which no later run can be compared with an earlier one."
        )
    return key


def _make(place: Folder, name: str) -> None:
    """Write a new secret that only its owner may read, unless another process has written one meanwhile."""
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
