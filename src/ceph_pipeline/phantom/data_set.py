"""A data set of phantoms on disk: drawn in parallel, resumable, and never written over foreign data."""

import json
import logging
import shutil
from pathlib import Path

from tqdm.auto import tqdm

from ceph_pipeline.artifacts import Ledger, fingerprint, run_unordered, sweep, write_atomically
from ceph_pipeline.errors import CephError
from ceph_pipeline.images import encode_image
from ceph_pipeline.landmarks.tables import SPLITS
from ceph_pipeline.phantom import aariz_layout as layout
from ceph_pipeline.phantom.drawing import RECIPE_VERSION, draw_cephalogram
from ceph_pipeline.phantom.params import PhantomParams
from ceph_pipeline.phantom.readers import read_landmarks
from ceph_pipeline.phantom.ruler_export import label_studio_json
from ceph_pipeline.phantom.specimen import PREFIX, Specimen, sample_specimen, stream

logger = logging.getLogger(__name__)

_MAKER = "phantom"


class ForeignDataError(CephError, ValueError):
    """The output folder contains data that were not made by the phantom pipeline."""


def draw_data_set(root: Path, ruler_export: Path, params: PhantomParams) -> None:
    """Draw `params.n_images` phantoms in the Aariz layout, and their rulers as a Label Studio export.

    Existing phantoms and an existing export of the same parameters are kept, and missing ones are drawn. An image depends only
    on the parameters and its number, and not on the workers or on interruptions. The mapping file is written last.

    Args:
        root: Folder of the data set.
        ruler_export: JSON file of the export.
        params: Number, size and noise of the phantoms.

    Raises:
        ForeignDataError: the folder or the export contains foreign data, or an export that would be replaced was edited.
    """
    ledger = Ledger(root)
    _refuse_foreign_data(ledger, root, ruler_export)
    summary = {"maker": _MAKER, "recipe_version": RECIPE_VERSION, **params.recipe()}
    digest = fingerprint(summary)
    if params.force or not ledger.is_continuation(digest):
        if ledger.read():
            _refuse_edited_export(ledger, ruler_export)
            logger.info("%s: phantoms are drawn again (%s)", root, ledger.difference(summary) or "force")
        _clear(root, ruler_export)
    missing = [index for index in range(params.n_images) if not _is_drawn(root, index, params)]
    if ledger.is_complete(digest) and not missing and _closing_files(root, ruler_export):
        logger.info("%s: %d phantoms are complete and up to date: skipped", root, params.n_images)
        return
    specimens = [_specimen(index, params) for index in range(params.n_images)]
    export = label_studio_json(specimens)
    ledger.begin(digest, summary, ruler_export=fingerprint(export))
    sweep(root)  # incomplete files of a killed run
    drawn = run_unordered(draw_one, [(root, index, params) for index in missing], params)
    for _ in tqdm(drawn, total=len(missing), desc="phantoms", unit="image"):
        pass
    splits = [layout.split_of(index, params.n_images) for index in range(params.n_images)]
    if not ruler_export.exists():
        write_atomically(ruler_export, export)
    write_atomically(root / layout.MAPPING_FILE, layout.mapping_csv(zip(specimens, splits, strict=True)))
    ledger.finish()
    logger.info("%d phantoms drawn into %s, %d existed already", len(missing), root, params.n_images - len(missing))


def draw_one(root: Path, index: int, params: PhantomParams) -> None:
    """Draw one phantom and write its image and annotations."""
    specimen = _specimen(index, params)
    split = layout.split_of(index, params.n_images)
    readings = read_landmarks(specimen, index, params.seed, params.reader_noise)
    files = layout.annotation_files(root, split, specimen.image_id)
    for reader, points in readings.items():
        write_atomically(files[reader], layout.landmark_json(specimen.image_id, points))
    write_atomically(files["cvm"], layout.cvm_json(specimen.image_id, split, specimen.face.cvm_stage))
    picture = draw_cephalogram(specimen, stream(params.seed, index, 1), params.grain)
    write_atomically(layout.image_file(root, split, specimen), encode_image(picture, f".{specimen.device.format}"))


def _specimen(index: int, params: PhantomParams) -> Specimen:
    return sample_specimen(index, params.seed, params.long_side_px, params.variation)


def _is_drawn(root: Path, index: int, params: PhantomParams) -> bool:
    """Whether the image and all its annotations exist; the image is written last."""
    specimen, split = _specimen(index, params), layout.split_of(index, params.n_images)
    files = [layout.image_file(root, split, specimen), *layout.annotation_files(root, split, specimen.image_id).values()]
    return all(file.exists() for file in files)


def _closing_files(root: Path, ruler_export: Path) -> bool:
    return ruler_export.exists() and (root / layout.MAPPING_FILE).exists()


def _refuse_foreign_data(ledger: Ledger, root: Path, ruler_export: Path) -> None:
    is_ours = ledger.read().get("summary", {}).get("maker") == _MAKER
    entries = [*root.rglob("*"), ruler_export] if is_ours else [*root.glob("*"), ruler_export]
    found = sorted(path for path in entries if path.exists() and not path.name.startswith("."))
    if is_ours:
        found = [path for path in found if path.is_file() and not _is_own_file(path, root, ruler_export)]
    if found:
        raise ForeignDataError(
            f"{found[0]} was not written by the phantom pipeline, which draws only into an empty folder or over its own files. "
            "To use your data, run the pipelines without `phantom`. To draw phantoms, move the file, or set another `raw_folder` "
            "(and `ruler_export`) in globals.yml."
        )


def _refuse_edited_export(ledger: Ledger, ruler_export: Path) -> None:
    if ruler_export.exists() and ledger.read().get("ruler_export") != fingerprint(ruler_export.read_text(encoding="utf-8")):
        raise ForeignDataError(
            f"{ruler_export} is not as the phantom pipeline wrote it, and drawing other phantoms would replace it. Move the file "
            "to keep it, or delete it."
        )


def _is_own_file(path: Path, root: Path, ruler_export: Path) -> bool:
    """Whether a file belongs to phantoms, by its name or by the names of the films in it."""
    if path not in (root / layout.MAPPING_FILE, ruler_export):
        return path.name.startswith(PREFIX)
    try:
        text = path.read_text(encoding="utf-8")
        if path != ruler_export:
            return all(line.startswith(PREFIX) for line in text.splitlines()[1:])
        return all(f"-{PREFIX}" in task["data"]["image"] for task in json.loads(text))
    except (ValueError, TypeError, KeyError):
        return False


def _clear(root: Path, ruler_export: Path) -> None:
    """Delete the files of an earlier run; its manifest is kept until it is replaced, so that the folder stays recognisable."""
    ruler_export.unlink(missing_ok=True)
    for split in SPLITS:
        shutil.rmtree(root / split, ignore_errors=True)
    (root / layout.MAPPING_FILE).unlink(missing_ok=True)
