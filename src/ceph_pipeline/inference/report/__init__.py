"""Printable reports of new cephalograms: one page per film and an overview page, each a self-contained HTML file."""

from ceph_pipeline.inference.report.calibration import Calibration, calibrations
from ceph_pipeline.inference.report.cvm import cvm_stages
from ceph_pipeline.inference.report.film import FilmReport, ReportOrigin, film_report
from ceph_pipeline.inference.report.page import NOTICE, film_page, values_fragment
from ceph_pipeline.inference.report.picture import picture
from ceph_pipeline.inference.report.writing import without_reports, write_reports

__all__ = [
    "NOTICE",
    "Calibration",
    "FilmReport",
    "ReportOrigin",
    "calibrations",
    "cvm_stages",
    "film_page",
    "film_report",
    "picture",
    "values_fragment",
    "without_reports",
    "write_reports",
]
