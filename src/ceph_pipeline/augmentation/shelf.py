"""What is already in an image store, seen in one listing, and room for more."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import fsspec

from ceph_pipeline.images import ImageStore

_UNFINISHED = re.compile(r"^\..+\.[0-9a-f]{8}(\.\w+)?$")
"""Temporary names under which files are written; a killed process leaves them behind."""

BYTES_PER_PIXEL = {"png": 0.6, "jpg": 0.35, "bmp": 1.0, "npy": 1.0}
"""Upper estimate for 8 bits: ISBI 2015 takes 0.38 as png and 0.15 as jpg of quality 95 (measured)."""


class DiskSpaceError(RuntimeError):
    """The disk has not room for what is to be written."""


def stored_ids(store: ImageStore) -> set[str]:
    """Identifiers of every whole image in a store."""
    ending = f".{store.format}"
    return {name.removesuffix(ending) for name in _names(store) if name.endswith(ending) and not name.startswith(".")}


def discard(store: ImageStore, image_ids: Iterable[str]) -> None:
    """Delete images by identifier."""
    _remove(store, [f"{image_id}.{store.format}" for image_id in sorted(image_ids)])


def clear(store: ImageStore) -> None:
    """Delete every image of a store, in whatever format an earlier run wrote it."""
    _remove(store, [name for name in _names(store) if name.endswith((".png", ".jpg", ".bmp", ".npy"))])


def sweep(store: ImageStore) -> None:
    """Delete what a killed run left half-written."""
    _remove(store, [name for name in _names(store) if _UNFINISHED.match(name)])


def check_space(store: ImageStore, needed_bytes: float) -> None:
    """Make sure that a local disk has room; object storage has no end.

    Raises:
        DiskSpaceError: it has not.
    """
    if not store.is_local:
        return
    folder = Path(_root(store)[1])
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < needed_bytes:
        raise DiskSpaceError(
            f"{folder}: about {needed_bytes / 1e9:.1f} GB are to be written, but {free / 1e9:.1f} GB are free. Free some, set "
            "data_root in globals.yml to another disk, or set augmented_store to format jpg in the catalog."
        )


def _root(store: ImageStore) -> tuple[fsspec.AbstractFileSystem, str]:
    fs, root = fsspec.core.url_to_fs(store.path, **store.credentials)
    return fs, str(root)


def _names(store: ImageStore) -> list[str]:
    """File names in a store's folder; none if it does not exist."""
    fs, root = _root(store)
    fs.invalidate_cache(root)
    if not fs.exists(root):
        return []
    return [str(entry).rsplit("/", 1)[-1] for entry in fs.ls(root, detail=False)]


def _remove(store: ImageStore, names: list[str]) -> None:
    fs, root = _root(store)
    for name in names:
        fs.rm_file(f"{root}/{name}")
