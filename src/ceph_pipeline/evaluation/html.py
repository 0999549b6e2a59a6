"""The report as one HTML file that needs nothing beside it."""

import base64
import io
from collections.abc import Iterable, Mapping

from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure

from ceph_pipeline.evaluation.sections import Section

WITHHELD = "Shown in the report on the machine that made it: this picture shows patients."


def html_page(sections: Iterable[Section], figures: Mapping[str, str], *, latex: str) -> str:
    """Write the page: styles and figures inside, no script, no link to anything.

    Args:
        sections: The report's.
        figures: File name to data URI; a figure that is not among them is withheld, and the page says so.
        latex: The table for a paper, shown as text.
    """
    environment = Environment(
        loader=PackageLoader("ceph_pipeline.evaluation", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.get_template("report.html.j2")
    return template.render(sections=list(sections), figures=figures, latex=latex, withheld=WITHHELD)


def data_uri(figure: Figure, *, photographs: bool = False) -> str:
    """A figure as a `data:` URI: PNG, or JPEG where it shows photographs."""
    buffer = io.BytesIO()
    kind, options = ("jpeg", {"quality": 88}) if photographs else ("png", {})
    figure.savefig(buffer, dpi=100, format=kind, bbox_inches="tight", facecolor="white", pil_kwargs=options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
