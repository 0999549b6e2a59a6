"""Text files, written atomically."""

from ceph_pipeline.stores.file import FileDataset


class TextDataset(FileDataset[str, str]):
    """A text file in UTF-8, such as a report in HTML.

    evaluation_html:
      type: ceph_pipeline.stores.TextDataset
      filepath: ${globals:data_root}/08_reporting/evaluation/report.html
    """

    def load(self) -> str:
        """Read the text.

        Raises:
            DatasetError: the file does not exist or is damaged, or reading is not permitted.
        """
        with self._source() as stream:
            return stream.read().decode()

    def save(self, data: str) -> None:
        """Write the text atomically, with unchanged line endings."""
        with self._target() as path:
            path.write_bytes(data.encode())
