"""Images: reading and writing cephalograms, and the image store that nodes and workers share."""

from ceph_pipeline.images.codec import decode_image, encode_image, read_header, read_image
from ceph_pipeline.images.errors import ImageReadError, MissingImageError
from ceph_pipeline.images.header import ImageHeader
from ceph_pipeline.images.raw_folder import RawFolder
from ceph_pipeline.images.store import ImageStore

__all__ = [
    "ImageHeader",
    "ImageReadError",
    "ImageStore",
    "MissingImageError",
    "RawFolder",
    "decode_image",
    "encode_image",
    "read_header",
    "read_image",
]
