"""Templates into text, with the one style that all pages share."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def render(template: str, **content: Any) -> str:
    """Fill reports/templates/TEMPLATE; a name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader("dcgan.reports"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**content)
