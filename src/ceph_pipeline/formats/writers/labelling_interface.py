"""Label Studio's labelling interface for key points: the control, its labels and its image.

Source: https://labelstud.io/tags/keypointlabels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from ceph_pipeline.formats.files import UnreadableFileError, parse_xml
from ceph_pipeline.formats.problems import AnnotationError
from ceph_pipeline.landmarks import known_or_own, landmark_of


@dataclass(frozen=True)
class Control:
    """The control that key points belong to.

    Attributes:
        name: Name of the control.
        image: Name of the image that the control annotates.
        image_field: The field of a task's `data` with this image.
        labels: Label of each landmark, by full name; None: the full names are the labels.
    """

    name: str = "landmarks"
    image: str = "image"
    image_field: str = "image"
    labels: Mapping[str, str] | None = None

    def label(self, landmark: str) -> str | None:
        """The control's label of a landmark, or None if there is no label."""
        return landmark if self.labels is None else self.labels.get(landmark)


def interface_of(names: Sequence[str]) -> str:
    """The labelling interface of these landmarks, with the default `Control`."""
    labels = "\n".join(f"    <Label value={quoteattr(name)}/>" for name in names)
    return (
        "<View>\n"
        '  <Image name="image" value="$image" zoom="true" zoomControl="true" brightnessControl="true"/>\n'
        f'  <KeyPointLabels name="landmarks" toName="image" strokeWidth="2">\n{labels}\n  </KeyPointLabels>\n'
        "</View>\n"
    )


def control_of(interface: Any) -> Control:
    """The control of a project's labelling interface; the default control for a request without an interface.

    Labels can be full names, symbols or aliases of landmarks in any spelling, or a user's own names. Labels that no network
    predicts are left to annotators.

    Raises:
        AnnotationError: the text is not XML, or contains no `<KeyPointLabels>` of an image.
    """
    if not interface:
        return Control()
    try:
        tree = parse_xml(str(interface))
    except UnreadableFileError as error:
        raise AnnotationError(f"the labelling interface is {error}.") from None
    control = next(tree.iter("KeyPointLabels"), None)
    if control is None:
        raise AnnotationError("the labelling interface has no <KeyPointLabels>, which the predicted points require.")
    fields = {image.get("name"): image.get("value", "") for image in tree.iter("Image")}
    image = control.get("toName", "")
    if not fields.get(image, "").startswith("$"):
        raise AnnotationError(
            f"<KeyPointLabels> has toName={image!r}, but there is no <Image> of that name with a value such as $image."
        )
    named = [label.get("value", "") for label in control.iter("Label")]
    labels = {landmark_of(name).name: name for name in named} | {known_or_own(name).name: name for name in named}
    return Control(control.get("name", ""), image, fields[image][1:], labels)
