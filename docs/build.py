"""Write what is made from the code: python docs/build.py (a test holds the files against it).

docs/actions/*.md and the table in README.md from the action files; examples/misp-workflow.schema.json from what reads
the settings, with what docs/settings.md says of each key; docs/templates-reference.md from docs/callables.py.
"""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from misp_workflow.cli.overview import GROUPS, told
from misp_workflow.settings.schema import schema
from misp_workflow.testing.contract import ActionFile

ROOT = Path(__file__).resolve().parents[1]
ACTIONS = ROOT / "misp_modules" / "modules" / "action_mod"
PAGES = ROOT / "docs" / "actions"
CASES = ROOT / "tests" / "actions"
FEWEST_WORDS = 3
"""Of what a case expects of a failure's sentence; fewer words tell a reader nothing."""
README = ROOT / "README.md"
BEGIN, END = "<!-- actions: made by docs/build.py -->", "<!-- end of actions -->"
SCHEMA = ROOT / "examples" / "misp-workflow.schema.json"


ELSEWHERE = (
    (
        "CrowdStrike, osquery, QRadar, SentinelOne, Wazuh",
        "misp-modules' own",
        "crowdstrike_ioc_publish osquery_pack_publish qradar_reference_set_publish sentinelone_ioc_publish "
        "wazuh_cdb_publish",
    ),
    (
        "the flow itself: reload the event, begin another workflow, a blueprint in the graph",
        "MISP's own",
        "reload-full-event run-workflow blueprint-action-module",
    ),
    (
        "one fixed change, without an API key",
        "MISP's own",
        "attribute_edition_operation attribute_ids_flag_operation attribute_distribution_operation "
        "Module_attribute_comment_operation tag_replacement_tlp tag_replacement_pap tag_replacement_generic "
        "proposal-action publish-event",
    ),
    (
        "what is added to the data for the nodes behind it, or made of an enrichment",
        "MISP's own",
        "attach-decay-score assign_country tag_country_asn_from_enrichment tag_cve_from_enrichment",
    ),
    ("a notice inside MISP, a mail about a log entry", "MISP's own", "notify-user-toast send-log-mail"),
    ("a language model asked about a report", "MISP's own", "ai-extract-indicators send-report-to-cti-info-extractor"),
)
"""Modules that nothing of this pack stands for: for what, whose, which."""


def page(action: str, module: Any) -> str:
    """Return the Markdown page of one action."""
    info, config = module.moduleinfo, module.moduleconfig
    limits = {name: value for name, value in vars(module).items() if name.startswith("MAX_")}
    lines = [
        f"# {info['name']}",
        "",
        info["description"],
        "",
        info["features"],
        "",
        f"Blocking: {'yes' if config['blocking'] else 'no'}. Version {info['version']}.",
        *_standing(config),
        "",
        "| parameter | meaning | default |",
        "| --- | --- | --- |",
    ]
    for name, spec in config["params"].items():
        lines.append(f"| `{name}` | {_meaning(spec)} | {_cell(spec['value'])} |")
    if limits:
        listed = ", ".join(f"{name.removeprefix('MAX_').lower()} {value:,}" for name, value in limits.items())
        lines += ["", f"Limits of the service: {listed}. Longer text is cut, with a mark that says so."]
    for title, words in getattr(module, "DOCUMENTED", {}).items():
        lines += ["", f"{title}: " + ", ".join(f"`{word}`" for word in words.split()) + "."]
    lines += _tried(action, config["params"])
    if info["references"]:
        lines += ["", "See also: " + ", ".join(f"<{url}>" for url in info["references"])]
    return "\n".join(lines) + "\n"


def index() -> str:
    """Return the overview of all actions, by what they are for."""
    lines = [
        "# Actions",
        "",
        "What there is for what; `misp-workflow actions mail` finds those that a word stands in.",
        "",
    ]
    found = told(sorted(ACTIONS.glob("*.py")))
    for group, meaning in GROUPS.items():
        if not (members := [one for one in found if one.group == group]):
            continue
        lines += [f"## {group.capitalize()}: {meaning}", "", "| module | what it does | on |", "| --- | --- | --- |"]
        lines += [f"| [`{one.name}`]({one.name}.md) | {one.description} | {one.triggers} |" for one in members]
        lines += [""]
    lines += ["## When another module serves better", "", "| of this pack | or |", "| --- | --- |"]
    lines += [f"| [`{one.name}`]({one.name}.md) | {one.instead} |" for one in found if one.instead]
    lines += ["", "## What only others have", "", "| for | take |", "| --- | --- |"]
    lines += [
        f"| {what} | {whose} {', '.join(f'`{name}`' for name in names.split())} |" for what, whose, names in ELSEWHERE
    ]
    return "\n".join(lines) + "\n"


def readme() -> str:
    """Return README.md with the table of all actions between its two marks."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    found = told(sorted(ACTIONS.glob("*.py")))
    rows = ["| what for | actions |", "| --- | --- |"]
    for group, meaning in GROUPS.items():
        if members := [f"[`{one.name}`](docs/actions/{one.name}.md)" for one in found if one.group == group]:
            rows.append(f"| **{group}**: {meaning} | {', '.join(members)} |")
    return f"{before}{BEGIN}\n\n" + "\n".join(rows) + f"\n\n{END}{after}"


def settings_schema() -> str:
    """Return the JSON Schema of the settings file, with the descriptions of docs/settings.md."""
    found = schema()
    undescribed = list(_describe(found, (), _descriptions()))
    if undescribed:
        raise SystemExit(f"docs/settings.md does not say what these are: {', '.join(undescribed)}")
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _descriptions() -> dict[tuple[str, ...], str]:
    """Return the last column of the tables of docs/settings.md by the path of each key; NAME stands for any name."""
    found: dict[tuple[str, ...], str] = {}
    tables: list[tuple[str, ...]] = [()]
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for line in text.partition("## All settings")[2].splitlines():
        if line.startswith("`["):
            tables = [tuple(name.split(".")) for name in re.findall(r"`\[\[?([\w.]+)\]\]?`", line.split(":")[0])]
        elif line.startswith("| `"):
            keys, _, meaning = line.strip("| ").split(" | ", 2)
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", meaning).replace("`", "").strip()
            found.update({(*table, key): plain for table in tables for key in re.findall(r"`([^`]+)`", keys)})
    return found


def _describe(part: dict[str, Any], path: tuple[str, ...], known: dict[tuple[str, ...], str]) -> Iterator[str]:
    """Put the descriptions in; yield the keys that have none."""
    for key, below in part.get("properties", {}).items():
        if below.get("type") == "object":
            yield from _describe(below, (*path, key), known)
        elif below.get("items", {}).get("type") == "object":
            yield from _describe(below["items"], (*path, key), known)
        elif (*path, key) in known:
            below["description"] = known[(*path, key)]
        else:
            yield ".".join((*path, key))
    if isinstance(others := part.get("additionalProperties"), dict):
        yield from _describe(others, (*path, "NAME"), known)


def _standing(config: dict[str, Any]) -> list[str]:
    """Return the line that says whether what was sent is updated and withdrawn; none for what sends nothing."""
    if not config.get("leaves_home", not config["blocking"]):
        return []
    return ["", f"Updates: {config.get('updates', 'no')}. Withdraws: {config.get('withdraws', 'no')}."]


def _tried(action: str, specs: dict[str, Any]) -> list[str]:
    """Return what the action's cases show: an example of a node and what comes of it, and how failures read."""
    cases = {file.stem: json.loads(file.read_text()) for file in sorted((CASES / action).glob("*.json"))}
    lines: list[str] = []
    shown = next((case for case in cases.values() if case.get("params") and _is_example(case)), None)
    if shown:
        lines += ["", "A node that says", "", "```text"]
        lines += [f"{key} = {_short(value)}" for key, value in _given(action, specs, shown["params"])]
        lines += ["```", ""]
        lines += _outcome(shown)
    said = dict.fromkeys(case.get("error") or case.get("blocks") or "" for case in cases.values())
    failures = [one for one in said if len(one.split()) >= FEWEST_WORDS]
    if failures:
        lines += ["", "How failures read (the telling part of each sentence; each is tried by a test):", ""]
        lines += [f"- {_short(said)}" for said in failures]
    return lines


def _given(action: str, specs: dict[str, Any], params: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the parameters as a node would have them: addresses that are some, none where the default is right."""
    for key, value in params.items():
        if "{receiver}" not in value:
            yield key, value
        elif not specs[key]["value"]:
            yield key, value.replace("{receiver}", f"https://{action.partition('_')[0]}.example.org")


def _is_example(case: dict[str, Any]) -> bool:
    return ("error" not in case and "settings" not in case) and bool(case.get("sends") or "blocks" in case)


def _outcome(case: dict[str, Any]) -> list[str]:
    if "blocks" in case:
        return [f"stops the event: {_short(case['blocks'])}."]
    first = case["sends"][0]
    where = " ".join(filter(None, (first.get("method", "POST"), first.get("path"))))
    then = f", and answers MISP `{case['answer']}`" if "answer" in case else ""
    return [f"sends `{where}`{then}."]


def _short(text: str) -> str:
    plain = " ".join(str(text).split())
    return plain if len(plain) <= 160 else f"{plain[:159]}…"


def _meaning(spec: dict[str, Any]) -> str:
    notes = [word for word in ("required", "secret", "template") if spec.get(word)]
    return spec["description"].replace("|", "\\|") + (f" ({', '.join(notes)})" if notes else "")


def _cell(value: str) -> str:
    return f"`{value}`" if value else ""


def pages() -> dict[Path, str]:
    """Return every page by its place."""
    modules = {path.stem: ActionFile.load(path).module for path in sorted(ACTIONS.glob("*.py"))}
    written = {PAGES / f"{name}.md": page(name, module) for name, module in modules.items()}
    reference = {
        ROOT / "docs" / "templates-reference.md": runpy.run_path(str(ROOT / "docs" / "callables.py"))["page"]()
    }
    return {**written, PAGES / "README.md": index(), SCHEMA: settings_schema(), README: readme(), **reference}


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for place, content in pages().items():
        place.write_text(content)
