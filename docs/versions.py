"""Write the tables of versions in docs/fidelity.md: python docs/versions.py (a test holds them)."""

from __future__ import annotations

from pathlib import Path

from misp_workflow.runner.data.profiles import CHANGES, DOUBTS, MIRRORED, Change, profile
from misp_workflow.runner.data.triggers import TRIGGERS
from misp_workflow.runner.modules.catalogue import newer

PAGE = Path(__file__).with_name("fidelity.md")
BEGIN, END = "<!-- versions: written by docs/versions.py -->\n", "<!-- end of versions -->\n"


def table() -> str:
    """Return the tables: what differs with a column per version, what came when, and what is not established."""
    head = ["what", *(f"{version} ({profile(version).known})" for version in MIRRORED), "since, by"]
    rows = [
        _row(change) for change in sorted(CHANGES, key=lambda change: [int(part) for part in change.since.split(".")])
    ]
    came = [[f"`{entry['id']}`", entry["kind"], entry["since"], entry["known"]] for entry in newer()]
    came += [
        [f"`{one.id}`", "trigger", f"{one.since}{f', gone in {one.until}' if one.until else ''}", "read"]
        for one in TRIGGERS.values()
        if one.since != MIRRORED[0] or one.until
    ]
    doubts = [[", ".join(f"`{name}`" for name in sorted(one.ids)), one.since, one.why] for one in DOUBTS]
    return "\n".join(
        [
            *_lines(head, rows),
            "",
            "What came, or went, after the first of them:",
            "",
            *_lines(["id", "kind", "since", "known"], came),
            "",
            "What is not established; a run says so at the node and goes on with what is likely, `--strict` ends it:",
            "",
            *_lines(["id", "from", "what"], doubts),
            "",
        ]
    )


def _row(change: Change) -> list[str]:
    cells = [change.after if change in profile(version) else change.before for version in MIRRORED]
    return [change.what, *cells, f"{change.since}: {change.known} ({change.source})"]


def _lines(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def page(text: str) -> str:
    """Return the page with its tables renewed."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
