"""The catalog's entry for a folder of new X-rays."""

import logging
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.artifacts import Folder, Ledger, fingerprint, pseudonym
from ceph_pipeline.artifacts.ledger import LEDGER_FILE
from ceph_pipeline.errors import counted
from ceph_pipeline.images.film_files import NOT_COPIED, may_be_film
from ceph_pipeline.stores.local import local_path

logger = logging.getLogger(__name__)


class FilmFolderDataset(AbstractDataset[NoReturn, Path]):
    """Gives nodes a folder of films: a local folder itself, or a local copy of a folder on object storage.

    Only new and changed films are fetched again. The manifest of the copy lists films that could not be copied, with the reasons,
    so that `inference` quarantines them.

    inference_folder:
      type: ceph_pipeline.stores.FilmFolderDataset
      filepath: s3://hospital/films
      copy: {path: "${globals:data_root}/07_model_output/${globals:inference_name}/films"}
      credentials: s3    # of conf/local/credentials.yml
    """

    def __init__(
        self,
        *,
        filepath: str,
        copy: dict[str, str],
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._filepath, self._copy_folder, self._credentials = filepath, copy["path"], credentials or {}
        self._is_fetched = False
        self.metadata = metadata

    def load(self) -> Path:
        """The folder; a local folder need not exist.

        Raises:
            DatasetError: the URL does not exist or cannot be reached, or the folder of the copy contains other files.
        """
        if "://" not in str(self._filepath):
            return local_path(self._filepath)
        folder = local_path(self._copy_folder)
        if not self._is_fetched:
            self._fetch(folder)
            self._is_fetched = True
        return folder

    def save(self, data: NoReturn) -> NoReturn:
        """Always raises an error, because the films belong to the user."""
        del data
        raise DatasetError(f"{self._filepath} contains input films and is read-only.")

    def _fetch(self, folder: Path) -> None:
        source, ledger = Folder(self._filepath, self._credentials), Ledger(folder)
        try:
            stamps = {path: stamp for path, stamp in source.stamps().items() if may_be_film(path)}
        except OSError as error:
            raise DatasetError(f"{self._filepath}: cannot be listed ({error}).") from error
        known = ledger.read().get("sources", {})
        here = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != LEDGER_FILE}
        if here and not ledger.read():
            raise DatasetError(
                f"{folder} contains files, but no manifest of copied films. Set the entry's `copy` to an empty folder."
            )
        kept = {path for path in here if path in stamps and known.get(path) == stamps[path]}
        for path in here - kept:
            (folder / path).unlink()
        ledger.begin(fingerprint(stamps), {"films": len(stamps)}, sources=stamps)
        absent = source.fetch(sorted(stamps.keys() - kept), folder)
        ledger.finish(**{NOT_COPIED: absent})
        copied = len(stamps) - len(kept) - len(absent)
        logger.info("%s of %s copied to %s, %s up to date", counted(copied, "film"), source.url, folder, len(kept))
        for name, reason in absent.items():
            logger.warning("%s could not be copied: %s", pseudonym(name), reason)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "copy": self._copy_folder}
