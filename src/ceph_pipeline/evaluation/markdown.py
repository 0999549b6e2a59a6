"""The report as a page of Markdown, to be read beside its figures."""

from collections.abc import Iterable

from ceph_pipeline.evaluation.sections import Section


def page(sections: Iterable[Section]) -> str:
    """Write the page; figures are linked by their file names."""
    parts = ["# Evaluation", "Intervals are 95 %, bootstrapped over images."]
    for section in sections:
        parts.append(f"## {section.title}")
        parts += ["\n".join(f"- {line}" for line in section.lines)] if section.lines else []
        parts += [table_lines(table) for table in section.tables]
        parts += [f"![{section.title}]({section.figure})"] if section.figure else []
    return "\n\n".join(parts) + "\n"


def table_lines(rows: Iterable[list[str]]) -> str:
    """A Markdown table from a header and its rows."""
    header, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *body])
