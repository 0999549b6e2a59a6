"""Kedro datasets of the project."""

from ceph_pipeline.stores.any_folder import AnyFolderDataset
from ceph_pipeline.stores.figure import FigureDataset
from ceph_pipeline.stores.film_folder import FilmFolderDataset
from ceph_pipeline.stores.folder import FolderDataset
from ceph_pipeline.stores.image_store import ImageStoreDataset
from ceph_pipeline.stores.pseudonymous_table import PseudonymousTableDataset
from ceph_pipeline.stores.raw_folder import RawFolderDataset
from ceph_pipeline.stores.report import JSONReportDataset
from ceph_pipeline.stores.table import CSVDataset, SpreadsheetTableDataset, TableDataset, TableOnDemandDataset
from ceph_pipeline.stores.text import TextDataset
from ceph_pipeline.stores.trained import CheckpointDataset, EnsembleDataset

__all__ = [
    "AnyFolderDataset",
    "CSVDataset",
    "CheckpointDataset",
    "EnsembleDataset",
    "FigureDataset",
    "FilmFolderDataset",
    "FolderDataset",
    "ImageStoreDataset",
    "JSONReportDataset",
    "PseudonymousTableDataset",
    "RawFolderDataset",
    "SpreadsheetTableDataset",
    "TableDataset",
    "TableOnDemandDataset",
    "TextDataset",
]
