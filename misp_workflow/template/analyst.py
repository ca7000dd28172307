"""What analysts ask of a message: dead indicators, a TLP, a date, a link, a STIX id."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from misp_workflow.errors import TemplateError
from misp_workflow.event import flag, marking, rows, tag_names
from misp_workflow.event import text as field
from misp_workflow.template import defanging, moments
from misp_workflow.template.limits import current
from misp_workflow.template.style import cut, web_address
from misp_workflow.template.values import Live, kind, text

_STIX_VERSIONS = (1, 3, 4, 5)  # of UUIDs that MISP-STIX keeps; of others it makes one of version 5 in this namespace:
_STIX_NAMESPACE = uuid.UUID("76beed5f-7251-457e-8c2a-b45f7b589d3d")
_OWN_OBJECT = {"vulnerability": "vulnerability", "campaign-name": "campaign"}


def defang(value: Any) -> str:
    """Return the text with every indicator in it made dead; it stays dead in every style."""
    made = cut(text(value))
    current().grow(3 * len(made))
    return Live(defanging.defang(made))


def refang(value: Any) -> str:
    """Return the text with its indicators alive, also in messages for people: clicks are meant."""
    made = cut(text(value))
    current().grow(len(made))
    return Live(defanging.refang(made))


def tlp(of: Any, unmarked: str = "") -> str:
    """Return the strictest TLP of an event, an attribute, or a list of tags, as "TLP:AMBER+STRICT"; else `unmarked`."""
    level = marking(_names(of), "tlp")
    return f"TLP:{level.upper()}" if level else text(unmarked)


def _names(of: Any) -> list[str]:
    if isinstance(of, Mapping):
        inner = of.get("Event")
        return tag_names(inner if isinstance(inner, Mapping) else of)
    if isinstance(of, str):
        return [of]
    if isinstance(of, (list, tuple)):
        current().spend(len(of) + 1)
        return [tag for tag in of if isinstance(tag, str)] + [field(tag.get("name")) for tag in rows(list(of))]
    raise TemplateError(f"{kind(of)} has no TLP")


def link(address: Any, label: Any = None) -> str:
    """Return a link as the style writes it; `label` is escaped. What is no http address stays text, and dead."""
    run = current()
    written = text(address)
    target = web_address(written)
    if run.style.link is None:
        return Live(target or written)
    if not target:
        return label if isinstance(label, str) else written
    shown = label if isinstance(label, Markup) else run.style.emit(Live(written) if label is None else label)
    shown = " ".join(shown.split())  # a link ends with its line
    made: str = run.style.link(target, shown)
    run.grow(len(made))
    return Markup(made)  # noqa: S704 - the address is percent-encoded, the label escaped


def stix_id(of: Any, kind: str = "") -> str:
    """Return the STIX 2.1 id that MISP-STIX gives to an event, an attribute, an object or an organisation.

    `kind` names the STIX type when it shall be another one. Data without a uuid gives "".
    """
    if not isinstance(of, Mapping):
        raise TemplateError("stix_id takes an event, an attribute, an object or an organisation")
    inner = of.get("Event")
    of = inner if isinstance(inner, Mapping) else of
    current().read(len(field(of.get("uuid"))))
    given = field(of.get("uuid")).strip().lower()
    name = text(kind) or _stix_type(of)
    if not given:
        return ""
    if not re.fullmatch(r"[a-z][a-z0-9-]{2,99}", name):
        raise TemplateError("a STIX type is lower case letters, digits and hyphens")
    return f"{name}--{_stix_uuid(given)}"


def _stix_uuid(given: str) -> uuid.UUID:
    try:
        known = uuid.UUID(given)
    except ValueError:
        return uuid.uuid5(_STIX_NAMESPACE, given.encode("utf-8", "replace").decode())
    return known if known.version in _STIX_VERSIONS else uuid.uuid5(_STIX_NAMESPACE, given)


def _stix_type(of: Mapping[str, Any]) -> str:
    """Return the type as MISP-STIX chooses it, https://misp.github.io/misp-stix/documentation/mapping.html."""
    if "type" in of and "value" in of:
        return _OWN_OBJECT.get(field(of.get("type")), "indicator" if flag(of.get("to_ids")) else "observed-data")
    if "meta-category" in of or "template_uuid" in of:
        current().spend(len(of.get("Attribute") or ()))
        marked = any(flag(row.get("to_ids")) for row in rows(of.get("Attribute")))
        return "indicator" if marked else "observed-data"
    if "info" in of:
        return "report" if flag(of.get("published")) else "grouping"
    return "identity"


FILTERS: dict[str, Callable[..., Any]] = {
    "defang": defang,
    "refang": refang,
    "tlp": tlp,
    "date": moments.date,
    "ago": moments.ago,
    "link": link,
    "stix_id": stix_id,
}
