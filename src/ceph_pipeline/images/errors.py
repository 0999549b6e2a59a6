"""What reading an image can end in."""

from ceph_pipeline.errors import CephError


class ImageReadError(CephError, ValueError):
    """An image file is missing, damaged, too large or of a kind that cannot be read."""
