"""Write docs/gallery.md, the default messages as people get them: python docs/gallery.py (a test holds it up to date).

They are made of the requests that a real MISP sent, tests/captures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.action.request import chosen
from misp_workflow.delivery import guard
from misp_workflow.settings import Destination, Misp, Settings

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "gallery.md"

TRIGGERS = {
    "event-publish": "An event is published",
    "event-after-save-new": "An event was made",
    "event-after-save-new-from-pull": "An event came from another MISP",
    "event-after-save": "An event was saved",
    "event-before-save": "An event is about to be saved",
    "attribute-after-save": "An attribute was saved",
    "object-after-save": "An object was saved",
    "sighting-after-save": "A sighting was added",
    "tag-attached-after-save": "A tag was attached",
    "shadow-attribute-before-save": "A proposal is about to be saved",
    "shadow-attribute-after-save": "A proposal was saved",
    "event-report-after-save": "A report was saved",
    "post-after-save": "A post was written",
    "user-before-save": "A user is about to be saved",
    "user-after-save": "A user was saved",
    "log-after-save": "A log entry was written",
    "enrichment-before-query": "An enrichment module is about to be asked (a question to one module)",
    "variant-enrichment-before-query-enrichEvent": "An enrichment module is about to be asked (whole event)",
    "variant-filter-second-only": "An event is published, and the node's filter selected an attribute",
}

STYLES = {
    "slack": "Slack",
    "markdown": "Mattermost, Nextcloud Talk, Webex",
    "teams": "Teams, where the facts stand in the card's table",
    "html": "Matrix",
    "telegram": "Telegram",
    "zulip": "Zulip",
}

INTRODUCTION = """# What the messages look like

Each message below is what a node with an empty `message` sends, from a request that a real MISP sent. What is marked
above the destination's clearance is left out and counted: the default clearance is TLP:AMBER+STRICT. Indicators are
written so that nobody opens them by accident. MISP does not say which trigger called, so the words come from the data;
where it sends nothing about what happened (object-after-save, a question to one module), the message says so.

This page is written by `python docs/gallery.py`; with `--pictures` the picture too, by headless Chromium.

![An e-mail about a published event](gallery-mail.png)
"""


def call(capture: str, clearance: str = "amber+strict") -> Call:
    """Return the call that MISP's request makes for a node with everything left empty."""
    request = json.loads((ROOT / "tests" / "captures" / f"{capture}.json").read_bytes())
    settings = Settings(misp=Misp(url="https://misp.example.org"))
    cleared = guard.clear(guard.scrub(request["data"]), guard.scrub(chosen(request)), Destination(tlp=clearance))
    params = Params(message="", link_to_event=True)
    return Call(params, cleared.data, cleared.selected, settings, cleared.withheld)


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for capture, when in TRIGGERS.items():
        trigger = capture.removeprefix("variant-").removesuffix("-enrichEvent")
        known = f" (`{trigger}`)" if not capture.startswith("variant-filter") else ""
        parts.append(f"## {when}{known}\n\n```text\n{call(capture).message('plain')}\n```\n")
    parts.append("## A sighting, at a place that may see TLP:RED\n")
    parts.append(f"```text\n{call('sighting-after-save', 'red').message('plain')}\n```\n")
    parts.append("## The same message in each place's markup\n")
    for style, places in STYLES.items():
        parts.append(f"### {places}\n\n```text\n{call('event-publish').message(style)}\n```\n")
    return "\n".join(parts)


def picture() -> None:
    """Draw the e-mail about a published event; CalledProcessError or OSError when Chromium cannot."""
    html = call("event-publish").message("html", layout="mail")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "mail.html"
        source.write_text(f'<meta charset="utf-8"><body style="margin:16px">{html}</body>')
        command = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=720,470"]
        target = PAGE.with_name("gallery-mail.png")
        subprocess.run([*command, f"--screenshot={target}", source.as_uri()], check=True, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    PAGE.write_text(page())
    if "--pictures" in sys.argv[1:]:
        picture()
