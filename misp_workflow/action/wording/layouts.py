"""How a summary is laid out in each place's markup; the words are those of `summary.py`.

A layout is two templates: of the title, and of facts, withheld and link. Every line stands for itself, so that a
message of many messages can take the first one of each. What it is given is escaped for the place by the template's
environment.
"""

from __future__ import annotations

from typing import NamedTuple

_FACTS = "{% for name, value in facts %}<item><b>{{ name }}:</b> {{ value }}\n{% endfor %}"
_WITHHELD = "{% if withheld %}<item>{{ withheld }}\n{% endif %}"
_LINK = "{% if link %}<item>{{ link|link(link_label) }}{% endif %}"
_HTML_END = (
    "{% if withheld %}\n<p>{{ withheld }}</p>{% endif %}{% if link %}\n<p>{{ link|link(link_label) }}</p>{% endif %}"
)


class Layout(NamedTuple):
    """What a title is put into, and all that comes after it."""

    title: str
    rest: str


def _layout(opening: str, closing: str = "", item: str = "", gap: str = "") -> Layout:
    def marked(template: str) -> str:
        return template.replace("<b>", opening).replace("</b>", closing or opening).replace("<item>", item)

    return Layout(
        marked("{% if title %}<b>{{ title }}</b>\n" + gap + "{% endif %}"), marked(_FACTS + _WITHHELD + _LINK)
    )


_STARRED = _layout("**", item="- ", gap="\n")

LAYOUTS = {
    "plain": _layout(""),
    "slack": _layout("*"),
    "googlechat": _layout("*"),
    "rocketchat": _layout("*"),
    "telegram": _layout("<b>", "</b>"),
    "markdown": _STARRED,
    "zulip": _STARRED,
    "discord": _layout("**"),
    "teams": _STARRED,
    "forge": _STARRED,
    "textile": _layout("*", item="* ", gap="\n"),
    "wiki": _layout("*", item="* "),
    "html": Layout(
        "{% if title %}<p><strong>{{ title }}</strong></p>\n{% endif %}",
        "<ul>\n{% for name, value in facts %}<li><strong>{{ name }}:</strong> {{ value }}</li>\n{% endfor %}</ul>"
        + _HTML_END,
    ),
    "mail": Layout(
        "",
        '<table style="border-collapse:collapse;font-family:sans-serif">\n'
        '<tr><th colspan="2" style="text-align:left;padding:8px;border-left:6px solid {{ colour }}">'
        "{{ title }}</th></tr>\n"
        '{% for name, value in facts %}<tr><td style="padding:2px 8px;color:#555;white-space:nowrap">{{ name }}</td>'
        '<td style="padding:2px 8px">{{ value }}</td></tr>\n{% endfor %}</table>' + _HTML_END,
    ),
}
"""By the style that a place's text has; see docs/templates.md."""

NOTES = {"html": "\n<p>{withheld}</p>"}
"""What follows a message of the operator's own when something was withheld, where it is not the default."""
NOTE = "\n({withheld})"

UPDATES = {"html": "<p>Updated: {update}</p>\n"}
"""What precedes a message of the operator's own when it tells what changed, where it is not the default."""
UPDATE = "Updated: {update}\n"

COLOURS = {"red": 0xFF2B2B, "amber+strict": 0xFFC000, "amber": 0xFFC000, "green": 0x33FF00, "clear": 0xFFFFFF}
"""Of the TLP levels, https://www.first.org/tlp/."""
UNMARKED = 0x8A8A8A

LINK_LABEL = "Open the event in MISP"
