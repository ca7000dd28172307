"""Indicators that find what was observed: misp-stix writes literals of a pattern as text, and some names otherwise."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any

_COMPARISON = re.compile(r"([a-z0-9-]+):((?:'[^']*'|[^\s'=])+) = ('(?:[^'\\]|\\.)*')")
_TWO_OBJECTS = re.compile(r"\[domain-name:value = ('(?:[^'\\]|\\.)*') AND network-traffic:dst_port = (\d+)\]")
"""A name and a port of two objects at once are never there: a comparison joined by AND is about one."""
_STEP = re.compile(r"'[^']*'|\[[^\]]*\]|[^.\[']+")

# Members of STIX 2.1's observables that are no text: https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html, 6
_MEMBERS = {
    "integer": """number src_port dst_port size src_byte_count dst_byte_count src_packets dst_packets pid
        number_of_sections number_of_symbols size_of_optional_header subject_public_key_exponent number_of_subkeys""",
    "boolean": """is_hidden is_active is_blocking is_listening is_multipart is_self_signed is_disabled is_privileged
        is_service_account can_escalate_privs""",
    "timestamp": """date start end created ctime mtime atime modified_time time_date_stamp validity_not_before
        validity_not_after account_created account_expires account_first_login account_last_login
        credential_last_changed""",
    "list": "values received_lines to_refs cc_refs bcc_refs groups languages protocols",
}
_KIND = {member: kind for kind, members in _MEMBERS.items() for member in members.split()}
_NAMES = {"reply_to": "'Reply-To'", "x_mailer": "'X-Mailer'"}
_HASHES = {"SHA224": "SHA-224", "SHA384": "SHA-384", "SHA3224": "SHA3-224", "SHA3384": "SHA3-384"}
"""How the library calls hashes in what was observed, and how in the pattern."""
_TRUNCATED = {"sha512/224": ("SHA-224", "SHA-512-224"), "sha512/256": ("SHA-256", "SHA-512-256")}
"""By type of MISP: what the library takes such a hash for, and what it is."""


def mend(objects: Iterable[dict[str, Any]], rows: Iterable[Mapping[str, Any]]) -> None:
    """Let each pattern say what STIX calls things, and what was observed bear the same names.

    `rows` are the attributes of which the objects were made: a SHA-512/256 is no SHA-256.
    """
    other = _truncated(rows)
    for one in objects:
        if one["type"] == "indicator" and one.get("pattern_type") == "stix":
            found = _COMPARISON.sub(lambda match: _comparison(match, other), one["pattern"])
            one["pattern"] = _TWO_OBJECTS.sub(_name_and_port, found)
        elif one["type"] == "indicator":
            one["pattern"] = re.sub(r"\A\[(.*)\]\Z", r"\1", one["pattern"], flags=re.DOTALL)  # a rule has no brackets
        elif isinstance(one.get("hashes"), dict):
            one["hashes"] = {_hash(name, value, other): value for name, value in one["hashes"].items()}


def _truncated(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    found = {}
    for row in rows:
        taken_for, name = _TRUNCATED.get(row["type"].rpartition("|")[2], ("", ""))
        if name:
            found[taken_for, row["value"].rpartition("|")[2].lower()] = name
    return found


def _hash(name: str, value: str, other: Mapping[tuple[str, str], str]) -> str:
    name = _HASHES.get(name, name)
    return other.get((name, value.lower()), name)


def _comparison(match: re.Match[str], other: Mapping[tuple[str, str], str]) -> str:
    kind, path, literal = match.groups()
    steps = _STEP.findall(path)
    mended = []
    for before, step, after in zip(["", *steps], steps, [*steps[1:], ""], strict=False):
        if _KIND.get(step) == "list" and not after.startswith("["):
            step += "[*]"
        elif before == "additional_header_fields":
            step = _NAMES.get(step, step)
        elif before == "hashes" and (name := _hash(step.strip("'"), literal[1:-1], other)) != step.strip("'"):
            step = f"'{name}'"
        mended.append(step)
    return f"{kind}:{_joined(mended)} = {_literal(steps[-1], literal)}"


def _joined(steps: list[str]) -> str:
    return "".join(step if step.startswith("[") else f".{step}" for step in steps).removeprefix(".")


def _literal(member: str, text: str) -> str:
    """Return a literal of the member's own kind; as it is where it cannot be one."""
    inner = text[1:-1]
    kind = _KIND.get(member)
    if kind == "integer" and re.fullmatch(r"-?[0-9]{1,18}", inner):
        return inner
    if kind == "boolean" and inner.lower() in ("true", "1", "false", "0"):
        return "true" if inner.lower() in ("true", "1") else "false"
    if kind == "timestamp":
        try:
            moment = datetime.datetime.fromisoformat(inner.replace("Z", "+00:00"))
        except ValueError:
            return text
        return f"t'{moment.astimezone(datetime.timezone.utc).isoformat().replace('+00:00', 'Z')}'"
    return text


def _name_and_port(match: re.Match[str]) -> str:
    name, port = match.groups()
    there = "network-traffic:dst_ref"
    return f"[{there}.type = 'domain-name' AND {there}.value = {name} AND network-traffic:dst_port = {port}]"
