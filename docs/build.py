"""Write docs/actions/*.md from the action files: python docs/build.py (a test holds the pages against the files)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from misp_workflow.cli.overview import GROUPS, told
from misp_workflow.testing.contract import ActionFile

ROOT = Path(__file__).resolve().parents[1]
ACTIONS = ROOT / "misp_modules" / "modules" / "action_mod"
PAGES = ROOT / "docs" / "actions"


def page(module: Any) -> str:
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
    return "\n".join(lines) + "\n"


def _standing(config: dict[str, Any]) -> list[str]:
    """Return the line that says whether what was sent is updated and withdrawn; none for what sends nothing."""
    if not config.get("leaves_home", not config["blocking"]):
        return []
    return ["", f"Updates: {config.get('updates', 'no')}. Withdraws: {config.get('withdraws', 'no')}."]


def _meaning(spec: dict[str, Any]) -> str:
    notes = [word for word in ("required", "secret", "template") if spec.get(word)]
    return spec["description"].replace("|", "\\|") + (f" ({', '.join(notes)})" if notes else "")


def _cell(value: str) -> str:
    return f"`{value}`" if value else ""


def pages() -> dict[Path, str]:
    """Return every page by its place."""
    modules = {path.stem: ActionFile.load(path).module for path in sorted(ACTIONS.glob("*.py"))}
    written = {PAGES / f"{name}.md": page(module) for name, module in modules.items()}
    return {**written, PAGES / "README.md": index()}


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for place, content in pages().items():
        place.write_text(content)
