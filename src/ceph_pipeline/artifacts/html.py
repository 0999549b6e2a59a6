"""Render HTML reports from templates; text from data sets is escaped, and undefined names in a template raise an error."""

from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def render(package: str, template: str, **content: Any) -> str:
    """Fill a template.

    Args:
        package: Contains the template as a file, for example `ceph_pipeline.evaluation`.
        template: Name of the template, which may extend `report_base.html.j2` with the common layout and styles of reports.
        content: Variables of the template.
    """
    return _environment(package).get_template(template).render(content)


@cache
def _environment(package: str) -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader("ceph_pipeline.artifacts", "")]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
