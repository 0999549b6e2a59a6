"""Reports in HTML from templates; text from data sets is escaped, and a name that a template lacks is an error."""

from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def render(package: str, template: str, **content: Any) -> str:
    """Fill a template.

    Args:
        package: Contains the template as a file, for example `ceph_pipeline.evaluation`.
        template: May extend `report_base.html.j2` of this package, which has the layout and the styles that reports share.
        content: What the template names.
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
