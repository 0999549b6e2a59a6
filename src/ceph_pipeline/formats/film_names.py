"""Names of films: what tools put around them, identifiers made of them, and the files that they stand for."""

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
"""Where Label Studio's own links to local and cloud files hold the file's path."""


def file_path(source: str) -> str:
    """The path of a file that an annotation gives as a path, an address or a signed link, with forward slashes."""
    text = source.strip()
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+://|^/data/upload/", text) or re.search(r"\?\w[^/]*=", text):
        text = _linked(text)
    return text.replace("\\", "/")


def _linked(address: str) -> str:
    try:
        parts = urlsplit(address, allow_fragments=False)  # a `#` is the name's
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
    """A file's name without folders, without the suffix of an image, and without Roboflow's hash; other dots stay."""
    base = PurePosixPath(name.replace("\\", "/")).name
    bare = _SUFFIX.sub("", base)
    found = _ROBOFLOW.match(bare)
    return found["stem"] if found else bare


def has_hash(name: str) -> bool:
    """Whether Roboflow named the file, which it does with each of a film's copies."""
    return _ROBOFLOW.match(_SUFFIX.sub("", PurePosixPath(name).name)) is not None


def without_prefix(name: str) -> str:
    """The name without the eight hexadecimal digits that Label Studio puts before an uploaded file's."""
    return _UPLOAD_PREFIX.sub("", name)


def identifier_of(name: str) -> str:
    """What tables and problems call the film of an annotated path, where no other image has its name."""
    return safe_identifier(stem(without_prefix(PurePosixPath(name).name)))


def loosely(name: str) -> str:
    """A file's name without suffix, as tools and systems may have changed it: blanks to `_`, brackets dropped, any case.

    Label Studio, which is built on Django, so renames what is uploaded.
    """
    return re.sub(r"[^-\w.]", "", _SUFFIX.sub("", name).strip().replace(" ", "_")).casefold()


class ImageFolder:
    """The image files of a folder, found by the names that annotations give them.

    Links to folders are not followed; names of systems and file servers are not data.
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
        if not is_plain(path):  # bytes that are no UTF-8, or control characters
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
        """Paths below the root of the images that a name can stand for: none, one, or several that cannot be told apart.

        The whole file name counts before the name without an upload prefix, that before the name without its suffix, and that
        before what tools make of it (`loosely`); of several equal names the one at the annotated path itself, seen from the
        annotation's folder or from the root, then the one that has most folders, from the file upwards, in common with that path,
        or that lies below the annotation's folder.

        Args:
            name: As the annotation has it, folders included.
            near: Folder of the annotation file, below the root.
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
    """The folders of an annotated path, the image's own last; those of an upload are Label Studio's and say nothing."""
    pure = PurePosixPath(unicodedata.normalize("NFC", name))
    return () if _UPLOAD_PREFIX.match(pure.name) else tuple(part for part in pure.parts[:-1] if part != "/")


def is_elsewhere(name: str, path: str) -> bool:
    """Whether an annotated path has the image in a folder of another name than it lies in; without folders nothing is said."""
    annotated, own = folders_of(name), PurePosixPath(path).parts[:-1]
    return bool(annotated and own) and loosely(annotated[-1]) != loosely(own[-1])


def bare_name(name: str) -> str:
    """A file's name without folders and suffix, in one Unicode form and case; what tools put around it stays."""
    return _SUFFIX.sub("", PurePosixPath(unicodedata.normalize("NFC", name)).name).casefold()


def are_one_path(names: Collection[str], path: str) -> bool:
    """Whether annotated paths can be one image's: equal names, and folders of which one has the others at its end.

    Roots of several computers may differ where all paths have the folders that the image lies in.

    Args:
        names: As the annotations have them, folders included.
        path: The image, below the folder of images.
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
    """The one path that is the annotated one, or that has most folders in common with it, counted from the file, or lies near."""
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
    """How many folders at the end are the same."""
    pairs = zip(reversed(some), reversed(others), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
