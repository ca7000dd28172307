"""Templates for actions, loaded by the first call that needs one: Jinja is most of what the pack would add to the
start of misp-modules, which has to be up within the second that MISP waits for the list of modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def render(source: str, context: Mapping[str, Any], style: str = "plain") -> str:
    """See `misp_workflow.template.render`."""
    from misp_workflow import template

    return template.render(source, context, style)


def said(value: Any, style: str = "plain") -> str:
    """See `misp_workflow.template.said`."""
    from misp_workflow import template

    return template.said(value, style)


def condition(expression: str, context: Mapping[str, Any]) -> bool:
    """See `misp_workflow.template.condition`."""
    from misp_workflow import template

    return template.condition(expression, context)


def check(source: str) -> None:
    """See `misp_workflow.template.check`."""
    from misp_workflow import template

    template.check(source)


def live(text: str) -> str:
    """Return a text of the operator's own, whose links stay links where people read."""
    from misp_workflow import template

    return template.Live(text)


def escaping(style: str) -> Callable[[str], str]:
    """Return what makes a text harmless for the place that the style is for."""
    from misp_workflow import template

    return template.STYLES[style].escape
