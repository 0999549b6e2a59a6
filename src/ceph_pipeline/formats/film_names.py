"""Names of films: changes made by annotation tools, identifiers, and the search for image files by name."""

from __future__ import annotations

import base64
import binascii
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection
from itertools import takewhile
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from ceph_pipeline.formats.files import is_plain
from ceph_pipeline.formats.layout import IMAGE_SUFFIXES
from ceph_pipeline.images.film_files import is_hidden, is_unnamed_dicom
from ceph_pipeline.images.identifiers import safe_identifier

_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")
_ROBOFLOW = re.compile(r"^(?P<stem>.+?)(?:_(?:png|jpe?g|bmp|tiff?|webp))?\.rf\.[0-9A-Za-z]+$")
_SUFFIX = re.compile(r"\.(?:png|jpe?g|jfif|bmp|tiff?|webp|jp2|j2k|dcm|dicom|mha|gif)$", re.IGNORECASE)
_LINK_PARAMETERS = ("d", "fileuri")
"""Query fields in which Label Studio's links to local and cloud files contain the file's path."""


def file_path(source: str) -> str:
    """Path of an annotated file, which may be given as a path, a URL or a signed link; with forward slashes."""
    text = source.strip()
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+://|^/data/upload/", text) or re.search(r"\?\w[^/]*=", text):
        text = _linked(text)
    return text.replace("\\", "/")


def _linked(address: str) -> str:
    try:
        parts = urlsplit(address, allow_fragments=False)  # a `#` is part of the name
        query = parse_qs(parts.query, max_num_fields=100)
    except ValueError:
        return unquote(address.partition("?")[0])
    for parameter in _LINK_PARAMETERS:
        if parameter in query:
            return file_path(_base64(query[parameter][0]) if parameter == "fileuri" else query[parameter][0])
    return unquote(parts.path)


def _base64(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_").decode("utf-8")
    except (binascii.Error, ValueError):
        return text


def stem(name: str) -> str:
    """A file's name without folders, image suffix and Roboflow's hash; other dots are kept."""
    base = PurePosixPath(name.replace("\\", "/")).name
    bare = _SUFFIX.sub("", base)
    found = _ROBOFLOW.match(bare)
    return found["stem"] if found else bare


def has_hash(name: str) -> bool:
    """Whether the name contains Roboflow's hash, which differs between the augmented images of a film."""
    return _ROBOFLOW.match(_SUFFIX.sub("", PurePosixPath(name).name)) is not None


def without_prefix(name: str) -> str:
    """The name without the eight hexadecimal digits that Label Studio adds in front of an uploaded file's name."""
    return _UPLOAD_PREFIX.sub("", name)


def identifier_of(name: str) -> str:
    """Identifier of the film of an annotated path, if no other image has the same name."""
    return safe_identifier(stem(without_prefix(PurePosixPath(name).name)))


def loosely(name: str) -> str:
    """A file's name for loose comparison: without suffix and brackets, blanks replaced by `_`, lower case.

    Label Studio, which is built on Django, renames uploaded files in this way.
    """
    return re.sub(r"[^-\w.]", "", _SUFFIX.sub("", name).strip().replace(" ", "_")).casefold()


class ImageFolder:
    """The image files of a folder, which can be found by their annotated names.

    Links to folders are not followed. Folders of operating systems and file servers are ignored.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        self._loosely: dict[str, list[str]] = defaultdict(list)
        self.unnameable: list[str] = []
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(entry for entry in folders if not is_hidden(entry))
            for file in sorted(files):
                path = Path(folder, file)
                if not is_hidden(file) and (file.lower().endswith(tuple(IMAGE_SUFFIXES)) or is_unnamed_dicom(path)):
                    self._add(path)

    def _add(self, file: Path) -> None:
        path = file.relative_to(self.root).as_posix()
        if not is_plain(path):  # invalid UTF-8 or control characters
            self.unnameable.append(ascii(path))
        elif file.is_file():
            name = unicodedata.normalize("NFC", file.name)
            self._by_name[name].append(path)
            self._by_stem[_SUFFIX.sub("", name)].append(path)
            self._loosely[loosely(name)].append(path)

    @property
    def stems(self) -> frozenset[str]:
        """Names of all images without folder and suffix."""
        return frozenset(self._by_stem)

    @property
    def paths(self) -> frozenset[str]:
        """All images."""
        return frozenset(path for paths in self._by_name.values() for path in paths)

    def find(self, name: str, near: str = "") -> list[str]:
        """Paths, relative to the root, of the images that match a name: none, one, or several if the name is ambiguous.

        Names are compared in this order; the first comparison with a match is used:

        1. the complete file name,
        2. the name without the upload prefix,
        3. the name without its suffix,
        4. the name as tools may have changed it (`loosely`).

        Of several images with the same name, one is selected in this order:

        1. the image at the annotated path, relative to the annotation's folder or to the root,
        2. the image with the most parent folders in common with that path, or below the annotation's folder.

        Args:
            name: Annotated name, including folders.
            near: Folder of the annotation file, relative to the root.
        """
        wanted = unicodedata.normalize("NFC", name)
        base = PurePosixPath(wanted).name
        bare = without_prefix(base)
        for table, key in (
            (self._by_name, base),
            (self._by_name, bare),
            (self._by_stem, base),  # `1.dcm` of `1.dcm.png`
            (self._by_stem, bare),
            (self._by_stem, _SUFFIX.sub("", base)),
            (self._by_stem, _SUFFIX.sub("", bare)),
            (self._loosely, loosely(base)),
            (self._loosely, loosely(bare)),
        ):
            if key and table.get(key):
                return _nearest(table[key], wanted, near)
        return []


def folders_of(name: str) -> tuple[str, ...]:
    """The folders of an annotated path, from the outermost inwards; Label Studio's upload folders are ignored."""
    pure = PurePosixPath(unicodedata.normalize("NFC", name))
    return () if _UPLOAD_PREFIX.match(pure.name) else tuple(part for part in pure.parts[:-1] if part != "/")


def is_elsewhere(name: str, path: str) -> bool:
    """Whether the annotated path names a different folder than the image's; False if it names no folder."""
    annotated, own = folders_of(name), PurePosixPath(path).parts[:-1]
    return bool(annotated and own) and loosely(annotated[-1]) != loosely(own[-1])


def bare_name(name: str) -> str:
    """A file's name without folders and suffix, with normalised Unicode and case; additions by tools are kept."""
    return _SUFFIX.sub("", PurePosixPath(unicodedata.normalize("NFC", name)).name).casefold()


def are_one_path(names: Collection[str], path: str) -> bool:
    """Whether annotated paths can belong to one image: equal names, and folders that all end alike.

    The first folders may differ between computers if all paths contain the image's own folders.

    Args:
        names: Annotated names, including folders.
        path: Path of the image, relative to the folder of images.
    """
    if len({bare_name(name) for name in names}) > 1:
        return False
    folders = {folders_of(name) for name in names}
    longest = max(folders, key=len)
    own = folders_of(path)
    return all(_ends_with(longest, each) for each in folders) or (bool(own) and all(_ends_with(each, own) for each in folders))


def _ends_with(folders: tuple[str, ...], end: tuple[str, ...]) -> bool:
    return folders[len(folders) - len(end) :] == end if len(end) <= len(folders) else False


def _nearest(paths: list[str], wanted: str, near: str) -> list[str]:
    """The path that equals the annotated one, or has the most parent folders in common with it, or lies below `near`."""
    if len(paths) == 1:
        return paths
    folder = PurePosixPath(wanted).parent
    for place in (PurePosixPath(unicodedata.normalize("NFC", near)) / folder, folder):
        there = [path for path in paths if PurePosixPath(unicodedata.normalize("NFC", path)).parent == place]
        if len(there) == 1:
            return there
    annotated = folders_of(wanted)
    shared = {path: _in_common(annotated, folders_of(path)) for path in paths}
    most = [path for path in paths if shared[path] == max(shared.values())]
    if len(most) == 1:
        return most
    beside = [path for path in most if near and path.startswith(near.rstrip("/") + "/")]
    return beside if len(beside) == 1 else paths


def _in_common(some: tuple[str, ...], others: tuple[str, ...]) -> int:
    """Number of equal folders, counted from the end."""
    pairs = zip(reversed(some), reversed(others), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
