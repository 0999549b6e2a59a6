"""The findings as one self-contained HTML file, with images of the worst cases."""

import base64
from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.artifacts import data_uri
from ceph_pipeline.artifacts.html import render
from ceph_pipeline.audit.film_examples import draw_example, example_ids, example_points
from ceph_pipeline.audit.findings import severity_counts
from ceph_pipeline.audit.tone import shrunk
from ceph_pipeline.errors import counted
from ceph_pipeline.images import ImageReadError, ImageStore
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.landmarks.geometry import Affine, Size, fitted_size
from ceph_pipeline.landmarks.tables import SEVERITIES

LISTED = 200
"""Number of findings per check on the page; the table contains all findings."""
PICTURE_PX = 360
"""Long side of an image on the page."""
_NAMED, _OTHERS = (60, 60, 240), (190, 160, 60)
"""Colours of the landmarks of a finding, and of the other landmarks (blue, green, red)."""


class WorstCase(NamedTuple):
    """An image on the page."""

    image_id: str
    detail: str
    uri: str


class CheckSection(NamedTuple):
    """The page's section on one check."""

    check: str
    suggestion: str
    counts: Mapping[str, int]
    rows: list[object]
    more: int
    pictures: list[WorstCase]


class Films(NamedTuple):
    """The data for drawing images.

    Attributes:
        images: Rows of `ImageTable`.
        landmarks: Rows of `LandmarkTable`.
        store: Pre-resized pixels of the images.
    """

    images: pd.DataFrame
    landmarks: pd.DataFrame
    store: ImageStore


def html_report(findings: pd.DataFrame, exclusions: pd.DataFrame, films: Films, overview_uri: str, pictures: int) -> str:
    """The page with embedded styles and images, without scripts and links; text from data sets is escaped.

    Args:
        findings: Rows of `FindingTable`.
        exclusions: Rows of `ExclusionTable`.
        films: Images and points of the data set.
        overview_uri: The overview as a `data:` URI.
        pictures: Number of images per check, the worst first, and of films shown with the names of their points.
    """
    sections = [_section(str(check), group, films, pictures) for check, group in findings.groupby("check", sort=False)]
    return render(
        "ceph_pipeline.audit",
        "report.html.j2",
        sections=sections,
        examples=[example for image_id in example_ids(films.images, pictures) if (example := _example(image_id, films))],
        n_images=counted(len(films.images), "cephalogram"),
        n_findings=counted(len(findings), "finding"),
        n_excluded=len(exclusions),
        excluded=list(exclusions[["image_id", "reason"]].itertuples(index=False, name=None)),
        overview=overview_uri,
    )


def _example(image_id: str, films: Films) -> WorstCase | None:
    """A film with the names of its points, or None if its pixels are not in the cache."""
    try:
        film = films.store.read(image_id)
    except ImageReadError:
        return None
    width, height = original = _original(image_id, films)
    points = example_points(films.landmarks, image_id)
    detail = f"{width} × {height} px, {counted(len(points), 'point')}"
    return WorstCase(image_id, detail, data_uri(draw_example(film, original, points), photographs=True))


def _section(check: str, findings: pd.DataFrame, films: Films, pictures: int) -> CheckSection:
    rank = findings["severity"].map(SEVERITIES.index)
    worst_first = findings.iloc[np.argsort(-rank.to_numpy(), kind="stable")]
    with_image = worst_first[worst_first["image_id"].isin(films.images["image_id"])].drop_duplicates("image_id")
    shown = [
        _picture(image_id, landmark, detail, films)
        for image_id, landmark, detail in with_image.head(pictures)[["image_id", "landmark", "detail"]].to_numpy(str).tolist()
    ]
    counts = severity_counts(findings, [check]).to_numpy(np.int64)[0].tolist()
    return CheckSection(
        check,
        str(findings["suggestion"].iloc[0]),
        dict(zip(SEVERITIES, counts, strict=True)),
        list(worst_first.head(LISTED).itertuples()),
        max(0, len(findings) - LISTED),
        [picture for picture in shown if picture],
    )


def _picture(image_id: str, landmark: str, detail: str, films: Films) -> WorstCase | None:
    """The image of a finding, or None if its pixels are not in the cache."""
    try:
        film = films.store.read(image_id)
    except ImageReadError:
        return None
    points = films.landmarks[(films.landmarks["image_id"] == image_id)].dropna(subset=["x", "y"])
    named = points["landmark"].isin(landmark.split(", ")).to_numpy()
    drawn = overlay(film, _original(image_id, films), points[["x", "y"]].to_numpy(np.float64), named)
    _, encoded = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return WorstCase(image_id, detail, f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}")


def _original(image_id: str, films: Films) -> Size:
    """Width and height of an image."""
    [(width, height)] = films.images.loc[films.images["image_id"] == image_id, ["width", "height"]].to_numpy(np.int64).tolist()
    return width, height


def overlay(film: GreyImage, original: Size, points: NDArray[np.float64], named: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A small image `(h, w, 3)` in BGR order, with the points drawn on it.

    Args:
        film: Pixels `(h, w)`, of any size.
        original: Width and height of the image in whose pixels the points are.
        points: `(M, 2)` in pixels of the original.
        named: `(M,)`, the points to emphasise.
    """
    size = fitted_size((film.shape[1], film.shape[0]), PICTURE_PX)
    picture = np.repeat(np.rint(shrunk(film, size)).astype(np.uint8)[..., None], 3, axis=2)
    places = Affine.resize(original, size)(points)
    for (x, y), stands_out in sorted(zip(places.tolist(), named.tolist(), strict=True), key=lambda place: place[1]):
        centre = (round(min(max(x, -9.0), size[0] + 9.0)), round(min(max(y, -9.0), size[1] + 9.0)))
        if stands_out:
            cv2.circle(picture, centre, 7, _NAMED, 2, cv2.LINE_AA)
        else:
            cv2.circle(picture, centre, 2, _OTHERS, -1, cv2.LINE_AA)
    return picture
