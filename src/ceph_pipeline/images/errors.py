"""Errors of reading images."""

from ceph_pipeline.errors import CephError


class ImageReadError(CephError, ValueError):
    """An image file is missing, damaged, too large or of an unsupported kind."""


class MissingImageError(ImageReadError):
    """There is no image file of this name."""
