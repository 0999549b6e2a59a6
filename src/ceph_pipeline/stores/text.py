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
            DatasetError: the file does not exist, is damaged, or may not be read.
        """
        with self._source() as stream:
            return stream.read().decode()

    def save(self, data: str) -> None:
        """Write the text whole, with its line ends as they are."""
        with self._target() as path:
            path.write_bytes(data.encode())
