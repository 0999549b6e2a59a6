"""Readers, results and image of a Label Studio task, in JSON, JSON-MIN, CSV or import format."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from ceph_pipeline.formats.entries import key_of
from ceph_pipeline.formats.film_names import ImageFolder, file_path
from ceph_pipeline.formats.layout import IMAGE_SUFFIXES
from ceph_pipeline.formats.reader_names import ReaderNames


class Annotators:
    """Names of readers: `annotator_<id>`, a running number in place of an e-mail address, or the model's version."""

    def __init__(self) -> None:
        self._unnamed: dict[str, int] = {}
        self.models = ReaderNames()

    def name(self, author: Any) -> str:
        """Name of an annotator in the tables, from an id, an e-mail address, or an object that contains either."""
        identifier = author.get("id", author.get("email")) if isinstance(author, dict) else author
        key = key_of(identifier)
        if key is not None and key.isascii() and key.isdigit():
            return f"annotator_{key}"
        if key is None:
            return "annotator_0"
        return f"annotator_x{self._unnamed.setdefault(key, len(self._unnamed) + 1)}"


def results_of(entry: Any, annotators: Annotators) -> dict[str, Any] | None:
    """Results by reader of a task, of its predictions, or of a JSON-MIN annotation; None for any other entry."""
    if isinstance(entry, dict) and isinstance(entry.get("annotations"), list):
        return dict(_latest(entry["annotations"], annotators))
    if is_prediction(entry):
        return dict(_predicted(entry["predictions"], annotators))
    return {annotators.name(entry.get("annotator")): _minimal(entry)} if is_minimal(entry) else None


def unsubmitted(entry: Mapping[str, Any]) -> str:
    """Contents of a task without a usable annotation, for messages."""
    lists = {kind: entry.get(kind) for kind in ("annotations", "drafts", "predictions")}
    counts = {kind: len(values) for kind, values in lists.items() if isinstance(values, list) and values}
    words = {"annotations": "cancelled", "drafts": "not submitted", "predictions": "not accepted"}
    return ", ".join(f"{kind} {words[kind]}: {count}" for kind, count in counts.items()) or "not annotated"


def is_prediction(entry: Any) -> bool:
    """Whether the entry is a task for import: exported tasks always have `annotations`, possibly empty."""
    return isinstance(entry, dict) and "annotations" not in entry and isinstance(entry.get("predictions"), list)


def _predicted(predictions: list[Any], annotators: Annotators) -> Iterator[tuple[str, Any]]:
    """(reader, results) of each prediction."""
    for entry in predictions:
        if isinstance(entry, dict):
            yield annotators.models.of(entry.get("model_version")), entry.get("result")


def data_of(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The task's data; in JSON-MIN, the entry itself."""
    data = entry.get("data")
    return data if isinstance(data, dict) else entry


def is_minimal(entry: Any) -> bool:
    """Whether the entry is an annotation of JSON-MIN, or a row of the CSV export."""
    return isinstance(entry, dict) and "annotation_id" in entry


def _minimal(entry: Mapping[str, Any]) -> list[Any]:
    """The results of all controls of a JSON-MIN entry, in the form of JSON."""
    return [
        {"type": "labels", "value": value, "id": value.get("id"), **{key: value.get(key) for key in _SIZE if key in value}}
        for values in entry.values()
        if isinstance(values, list)
        for value in values
        if isinstance(value, dict)
    ]


_SIZE = ("original_width", "original_height", "image_rotation")


def image_name(entry: Mapping[str, Any], folder: ImageFolder, targets: Collection[str] = ()) -> str | None:
    """The image's path in the task, which distinguishes films of one name in several folders.

    If the image does not exist, only its name is returned, since folders in an export can be confidential. The field with the
    image can have any name. Fields are tried in this order:

    1. the field of the image that the points belong to,
    2. `image`,
    3. a field whose file exists,
    4. a field with the name of an image file.

    Args:
        entry: The task.
        folder: The folder of images.
        targets: Names, in the labelling interface, of the image that the points belong to.
    """
    fields = {str(key): file_path(value) for key, value in data_of(entry).items() if _may_be_path(value)}
    names = {key: path for key, path in fields.items() if PurePosixPath(path).name}
    images = [name for name in names.values() if name.lower().endswith(_IMAGE_ENDINGS)]
    present = [name for name in images if folder.find(name)]
    upload = entry.get("file_upload")
    first = [names[key] for key in (*targets, "image", "img") if names.get(key)]
    candidates = [*first, *present, *images, *([upload] if isinstance(upload, str) else [])]
    return candidates[0] if candidates else None


def _may_be_path(value: Any) -> bool:
    """Whether the value is text other than a `data:` URL, which contains pixels and no name."""
    return isinstance(value, str) and bool(value.strip()) and not value.lstrip().lower().startswith("data:")


_IMAGE_ENDINGS = (*IMAGE_SUFFIXES, ".tif", ".tiff", ".webp", ".jp2", ".dcm")


def _latest(annotations: list[Any], annotators: Annotators) -> Iterator[tuple[str, Any]]:
    """(reader, results) of each annotation, oldest first, so that the latest takes precedence; cancelled ones are skipped."""
    usable = [
        entry
        for entry in annotations
        if isinstance(entry, dict) and not entry.get("was_cancelled") and entry.get("result") is not None
    ]
    for entry in sorted(usable, key=lambda entry: key_of(entry.get("updated_at")) or key_of(entry.get("created_at")) or ""):
        yield annotators.name(entry.get("completed_by")), entry["result"]
