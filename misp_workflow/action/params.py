"""A declared parameter table, and the typed values that MISP's strings become.

MISP knows `type` (string, large_string, hash_path), `description` and `value`. The keys it ignores carry the rest:

    required    the node must set it (or the destination in the operator's settings)
    default     what an empty field means; `value`, MISP's grey placeholder, is derived from it so that it never lies
    format      "text" (default), "integer", "number", "boolean", "url", "email" (an address, with a name before it or
                without), "choice", "list" (one per line, or one line with commas; a line that begins with "# " is a
                comment), or "digest" (seconds, or times of the day)
    choices     the allowed values of a "choice", or of each item of a "list"
    words       what means the same as a choice: {"high": "1"}, small letters
    needs       what must be installed for a choice: {"stix21": "stix"}, the extra of this package by the value
    formerly    names that the parameter had before; MISP sends a node's value under the present one only
    each        what each item of a "list" is: "email", "domain", "word" (it has no space), "type" (a pattern of MISP's
                attribute types), "tag" (a semicolon ends it, too), or any "name"; whoever separates these otherwise
                must not get one item that nothing ever is
    minimum, maximum   bounds of an integer or number
    address     the value says which server is asked; "url" always does
    secret      masked in everything that is said, logged or stored
    template    rendered by the action: the value is a Jinja template
    per_attribute  with template: it is rendered for each attribute
    rule        one of a gate's rules; a gate of which none is set lets nothing pass

MISP sends every declared parameter as text, "" for a field left alone. A caller by hand may send numbers or booleans.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from misp_workflow import web_address
from misp_workflow.action import formats
from misp_workflow.errors import ParameterError, did_you_mean
from misp_workflow.printable import logger
from misp_workflow.settings import is_secret_name

LOG = logger("misp_workflow.action")

Table = dict[str, dict[str, Any]]

SHORTEST_SECRET = 8
"""Characters. A shorter value of the settings ("true", "soc") is no secret; masking it would spoil sentences."""

SHORTEST_WORD = 12
"""Characters. Tokens within addresses and headers are longer; what is shorter there ("services", "Bearer") is plain."""

_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")


class Params(SimpleNamespace):
    """The typed values, one attribute per declared parameter, for reading. Its repr shows names only, never a value."""

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"the parameter {name} is what the node says")

    def __repr__(self) -> str:
        return f"Params({', '.join(vars(self))})"


def declare(table: Table) -> None:
    """Complete the table for MISP: placeholders from the defaults, and no rendering by MISP."""
    for spec in table.values():
        spec.setdefault("type", "string")
        spec["value"] = as_text(spec.get("default", ""))
        spec.pop("jinja_supported", None)  # MISP would render before us, and send the event round once more for it


def as_text(value: Any) -> str:
    """Return a default as an operator would type it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(value)
    return str(value)


def read(table: Table, given: Any, fixed: Mapping[str, Any]) -> Params:
    """Return the typed values of what MISP sent; `fixed` (from the destination) wins over it.

    Where the destination fixes a secret, a node cannot choose the address that it goes to: addresses come from the
    destination, too, or are the action's own.

    Raises ParameterError, one sentence that names every parameter in trouble.
    """
    if given in (None, []):
        given = {}  # PHP's empty array: the node has no parameters
    if not isinstance(given, dict):
        raise ParameterError("The request's 'params' must be an object with the node's parameters.")
    said = {new: old for old, new in _renamed(table, [*given, *fixed]).items()}
    given, fixed = present(table, given), present(table, fixed)
    for name in sorted(map(str, given.keys() - table.keys())):
        LOG.info("parameter %r is not known to this version of the module and is ignored", name)
    secret_fixed = any(table[name].get("secret") for name in fixed if name in table)
    values, troubles = {}, []
    for name, spec in table.items():
        raw = fixed[name] if name in fixed else "" if secret_fixed and _is_address(spec) else given.get(name, "")
        try:
            values[name] = formats.typed(said.get(name, name), spec, raw)
        except ParameterError as trouble:
            troubles.append(str(trouble))
    if troubles:
        raise ParameterError(" ".join(troubles))
    return Params(**values)


def refuse_misspelt(table: Table, given: Any) -> None:
    """Raise ParameterError for a gate with a parameter that it does not have: it may be a rule that nobody judges."""
    for name, value in present(table, given).items() if isinstance(given, dict) and _has_rules(table) else ():
        if name not in table and name != "destination" and str(value).strip():
            raise ParameterError(f"This gate has no parameter '{name}'{did_you_mean(name, table)}; nothing passes.")


def refuse_without_rule(table: Table, params: Params) -> None:
    """Raise ParameterError for a gate of which no rule is set: its yes would mean nothing."""
    rules = [name for name, spec in table.items() if spec.get("rule")]
    if rules and all(_says_nothing(table[name], getattr(params, name)) for name in rules):
        raise ParameterError(f"This gate has no rule, so nothing passes: set one, such as '{rules[0]}'.")


def _has_rules(table: Table) -> bool:
    return any(spec.get("rule") for spec in table.values())


def _says_nothing(spec: Mapping[str, Any], value: Any) -> bool:
    return value in ("", None, (), False) or value == spec.get("default")


def present(table: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values under the names that the parameters have now."""
    renamed = _renamed(table, given)
    if not renamed:
        return given
    values = {name: value for name, value in given.items() if name not in renamed}
    for old, name in renamed.items():
        values[name] = values.get(name) or given[old]
    return values


def _renamed(table: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> dict[str, str]:
    """Return those of the names that parameters had before, with the present ones."""
    now = {old: name for name, spec in table.items() for old in spec.get("formerly", ())}
    return {old: now[old] for old in names if old in now}


def secrets_of(table: Table, params: Params, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the values that must never be shown, the longest first; `more` are those that the settings hide.

    Of a secret address the path counts too, and each long part of it: that is where webhooks carry their secret, and a
    server may quote it. The same holds for the words of secret headers.
    """
    found = {value for value in more if len(value) >= SHORTEST_SECRET}
    for name, spec in table.items():
        value = getattr(params, name, "")
        if spec.get("secret") and isinstance(value, str):
            found.add(value)
        elif spec.get("format") == "url" and (parts := web_address.split(str(value))) and parts.password:
            found |= {parts.password, unquote(parts.password), *_basic(parts.username or "", parts.password)}
    for line in [line for value in found for line in value.splitlines()]:
        scheme = _SCHEME.match(line)
        found.update(_of_address(line[scheme.end() :]) if scheme else _of_line(line))
    return tuple(sorted(filter(None, found), key=len, reverse=True))


def _of_address(rest: str) -> Iterator[str]:
    """Yield what is secret in an address that follows its scheme: the user's password, the path and its long parts."""
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path = rest[len(place) + 1 :]
    user, _, password = place.rpartition("@")[0].partition(":")
    if password:
        yield from (password, unquote(password), *_basic(user, password))
    yield from (part for part in (path, unquote(path)) if len(part) >= SHORTEST_SECRET)
    yield from _words(path, SHORTEST_WORD)


def _basic(user: str, password: str) -> tuple[str]:
    """Return a login as HTTP says it."""
    return (base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode(),)


def _of_line(line: str) -> Iterator[str]:
    """Yield what is secret in a line such as "Authorization: Bearer …": what follows the colon, and its long words."""
    name, _, said = line.partition(":")
    if len(said.strip()) >= SHORTEST_SECRET and "{" not in said:
        yield said.strip()
    yield from _words(said, SHORTEST_SECRET if is_secret_name(name) else SHORTEST_WORD)


def _words(text: str, shortest: int) -> Iterator[str]:
    """Yield the words of at least so many letters; a template's names are none, sentences about it must say them."""
    return (word for word in re.split(r"\{[{%].*?[%}]\}|[\s/?#&=,;]+", text) if len(word) >= shortest)


def _is_address(spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("address")) or spec.get("format") == "url"
