"""The catalog's entry for a folder of images."""

from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.images.store import ImageFormat, ImageStore


class ImageStoreDataset(AbstractDataset[NoReturn, ImageStore]):
    """Gives nodes the handle of an image store; pixels never pass through the catalog.

    augmented_store:
      type: ceph_pipeline.stores.ImageStoreDataset
      filepath: ${globals:data_root}/05_model_input/augmented
      format: png
    """

    def __init__(
        self,
        *,
        filepath: str,
        format: ImageFormat = "png",
        quality: int = 95,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._store = ImageStore(filepath, format=format, quality=quality, credentials=credentials)
        self.metadata = metadata

    def load(self) -> ImageStore:
        """The handle; the folder need not exist yet."""
        return self._store

    def save(self, data: NoReturn) -> NoReturn:
        """Always raises an error, because nodes write through the handle and return a manifest table."""
        del data
        raise DatasetError(f"{self._store} is written through its handle; return the manifest table instead.")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._store.path, "format": self._store.format}
