"""A MISP event's attributes, as templates see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from misp_workflow.errors import TemplateError
from misp_workflow.event import View, flag, live, matching, rows, tag_names
from misp_workflow.event import text as field
from misp_workflow.template.limits import current
from misp_workflow.template.values import Indicator, kind

LONGEST_TAG = 255  # characters that MISP keeps of a tag's name

CLICKABLE = frozenset(
    {
        *("url", "uri", "link", "domain", "hostname", "domain|ip", "hostname|port"),
        *("ip-src", "ip-dst", "ip-src|port", "ip-dst|port"),
        *("email", "email-src", "email-dst", "email-reply-to", "target-email", "whois-registrant-email"),
        *("dns-soa-email", "eppn", "jabber-id"),
    }
)
"""Attribute types whose value becomes a link, or an address that a client opens."""


def reading(of: Mapping[Any, Any], key: Any, default: Any = None) -> Any:
    """Return of[key]; the value of an attribute that can be clicked knows that it is one."""
    value = of.get(key, default)
    if key == "value" and type(value) is str:
        kind = of.get("type")
        if type(kind) is str and kind in CLICKABLE:
            return Indicator(value)
    return value


class Attributes(list[Any]):
    """A list of attributes that can be called to choose some of them: `attributes(type="ip-*", to_ids=true)`."""

    __slots__ = ()

    def __call__(
        self, type: Any = None, to_ids: Any = None, category: Any = None, tag: Any = None, deleted: Any = False
    ) -> Attributes:
        """Return those that fit everything asked for.

        `type`, `category` and `tag` are a name, a shell-style pattern or a list of them; `to_ids` is true or false;
        `deleted=true` gives the deleted ones too.
        """
        run = current()
        types, categories, tags = _patterns(type), _patterns(category), _patterns(tag)
        chosen = Attributes()
        work = 2 + len(types or ()) + len(categories or ())
        for row in self if flag(deleted) else live(self):
            run.spend(work)
            if (
                (to_ids is None or flag(row.get("to_ids")) is flag(to_ids))
                and _fits(field(row.get("type")), types)
                and _fits(field(row.get("category")), categories)
                and (tags is None or _tagged(row, tags))
            ):
                chosen.append(row)
        return chosen


def _patterns(given: Any) -> list[str] | None:
    if given is None:
        return None
    patterns = [given] if isinstance(given, str) else list(given) if isinstance(given, (list, tuple)) else []
    if len(patterns) > 100 or not all(isinstance(pattern, str) and len(pattern) <= 100 for pattern in patterns):
        raise TemplateError("type, category and tag are up to 100 names or patterns of up to 100 characters")
    return [pattern.lower() for pattern in patterns]


def _tagged(row: Mapping[str, Any], patterns: list[str]) -> bool:
    names = [name[:LONGEST_TAG] for name in tag_names(row)]
    current().spend(8 * len(names) * len(patterns))
    return any(matching(names, pattern) for pattern in patterns)


def _fits(name: str, patterns: list[str] | None) -> bool:
    return patterns is None or any(fnmatchcase(name.lower()[:200], pattern) for pattern in patterns)


def attributes(of: Any, **choice: Any) -> Attributes:
    """Return the attributes of an event, of a whole request's data, or of a list of them: those that fit the choice."""
    if isinstance(of, Mapping):
        event = of if isinstance(of.get("Event"), Mapping) else {"Event": of}
        found: Iterable[Any] = View(event).attributes
    elif isinstance(of, (list, tuple)):
        found = rows(list(of))
    else:
        raise TemplateError(f"{kind(of)} holds no attributes")
    return Attributes(found)(**choice)


def by_type(of: Any) -> list[tuple[str, Attributes]]:
    """Return (type, its attributes) for each type, the most frequent first, then by name."""
    groups: dict[str, Attributes] = {}
    for row in attributes(of):
        groups.setdefault(field(row.get("type")) or "unknown", Attributes()).append(row)
    current().spend(2 * len(groups))
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
