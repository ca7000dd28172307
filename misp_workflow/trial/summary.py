"""What a backtest found, gathered line by line: the table and the page show nothing else.

Nothing here grows with the number of events: there are as many entries as there are reasons, organisations, tags and
places, each list at most MOST long, and of the events themselves the most surprising ones.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from misp_workflow.trial.journal import Row
from misp_workflow.words import whole_number

MOST = 5_000
"""Different reasons, tags … that are told apart; what comes later counts as "others"."""
SURPRISES = 20
OTHERS = "(others)"
VARIANTS = 8
"""So many sentences that differ in a number or a quoted value are shown apart."""
STOPPED = ("blocked", "crash")


@dataclass
class Group:
    """How many runs, how many of them were stopped, and one event to look at."""

    runs: int = 0
    stopped: int = 0
    example: str = ""
    place: tuple[int, str] = (0, "")

    def data(self) -> dict[str, Any]:
        return {"runs": self.runs, "stopped": self.stopped, "example": self.example}


Groups = dict[str, Group]


class Sentences:
    """Sentences, counted as they are and by their kind; what is shown is the kind where many differ in a value only."""

    def __init__(self) -> None:
        self._exact: Groups = {}
        self._kinds: Groups = {}

    def add(self, sentences: Iterable[str], row: Row) -> None:
        """Count one run's sentences."""
        said = set(sentences)
        for one in said:
            _count(self._exact, one, row)
        for kind in set(map(kind_of, said)):
            _count(self._kinds, kind, row)

    def groups(self) -> Groups:
        """Return what is shown."""
        by_kind: dict[str, list[str]] = {}
        for one in self._exact:
            by_kind.setdefault(kind_of(one), []).append(one)
        found: Groups = {}
        for kind, group in self._kinds.items():
            alike = by_kind.get(kind, [])
            few = 0 < len(alike) <= VARIANTS and OTHERS not in self._exact
            found |= {one: self._exact[one] for one in alike} if few else {kind: group}
        return found


@dataclass
class Summary:
    """The whole outcome. `ends` counts runs by how they ended; the others are groups by what their names say."""

    workflow: str
    trigger: str
    source: str
    note: str = ""
    events: int = 0
    runs: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    reasons: Sentences = field(default_factory=Sentences)
    organisations: Groups = field(default_factory=dict)
    tags: Groups = field(default_factory=dict)
    messages: Groups = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    changes: Sentences = field(default_factory=Sentences)
    asks: Sentences = field(default_factory=Sentences)
    errors: Sentences = field(default_factory=Sentences)
    problems: list[str] = field(default_factory=list)
    surprises: list[Row] = field(default_factory=list)

    def add(self, line: Row) -> None:
        """Count one line of the journal."""
        if "problem" in line:
            self.problems.append(str(line["problem"]))
        self.events += len({row["event"] or position for position, row in enumerate(line.get("rows", ()))})
        for row in line.get("rows", ()):
            self._row(row)

    def _row(self, row: Row) -> None:
        self.runs += 1
        self.ends[row["end"]] = self.ends.get(row["end"], 0) + 1
        self.reasons.add((f"{why}{_by(row)}" for why in row.get("why", ())), row)
        _count(self.organisations, row["org"] or "(no organisation)", row)
        for tag in row["tags"] or ["(no tag)"]:
            _count(self.tags, tag, row)
        for message in row.get("messages", ()):
            name = f"{message['action']} to {message['to']}"
            if _count(self.messages, name, row) or name not in self.texts:
                self.texts[name] = message["text"]
        self.changes.add(row.get("changes", ()), row)
        self.asks.add(row.get("asks", ()), row)
        self.errors.add(row.get("errors", ()), row)

    @property
    def idle(self) -> str:
        """Say so where nothing would have come of any run; "" where something would."""
        anything = ("reasons", "messages", "changes", "asks", "errors")
        if not self.runs or self.ends.keys() != {"success"} or any(self.part(name) for name in anything):
            return ""
        return "For none of these events would it send, change, ask or stop anything."

    def part(self, name: str) -> list[tuple[str, Group]]:
        """Return what is counted under this name, the largest first, those of one size by name."""
        found = getattr(self, name)
        groups: Groups = found.groups() if isinstance(found, Sentences) else found
        return sorted(groups.items(), key=lambda item: (-item[1].runs, item[0]))

    def data(self) -> dict[str, Any]:
        """Return everything as plain data, the largest groups first."""
        groups = ("reasons", "organisations", "tags", "messages", "changes", "asks", "errors")
        return {
            **{name: getattr(self, name) for name in ("workflow", "trigger", "source", "note", "events", "runs")},
            "idle": self.idle,
            "ends": dict(sorted(self.ends.items())),
            **{name: {key: one.data() for key, one in self.part(name)} for name in groups},
            "texts": dict(sorted(self.texts.items())),
            "problems": sorted(self.problems),
            "surprises": self.surprises,
        }


def summarize(summary: Summary, lines: Callable[[], Iterable[Row]]) -> Summary:
    """Fill the summary from the lines, which are read twice: what is surprising shows only when all is known."""
    for line in lines():
        summary.add(line)
    summary.surprises = _surprises(summary, lines)
    return summary


def kind_of(sentence: str) -> str:
    """Return the sentence without what differs from event to event: numbers, and what is quoted."""
    return re.sub(r"\b\d[\d,.]*\b(?!\))", "#", re.sub(r"“[^”]*”|'[^']*'", "“…”", sentence))


def _by(row: Row) -> str:
    return f" [{row['by']}]" if row.get("by") else ""


def _count(groups: Groups, name: str, row: Row) -> bool:
    """Count the run, and say whether its event is the one to look at now."""
    if name not in groups and len(groups) >= MOST:
        name = OTHERS
    group = groups.setdefault(name, Group())
    group.runs += 1
    group.stopped += row["end"] in STOPPED
    place = _number(row)
    if group.example and place >= group.place:
        return False
    group.example, group.place = named(row), place
    return True


def _number(row: Row) -> tuple[int, str]:
    return (whole_number(row["id"]) or 0, row["event"])


def named(row: Row) -> str:
    """Return how people find the event: its number and title, else its uuid."""
    return f"{row['id'] or row['event']} {row['info']}".strip()


# --- what is surprising -----------------------------------------------------------------------------------------------


def _surprises(summary: Summary, lines: Callable[[], Iterable[Row]]) -> list[Row]:
    """Return of each kind of outcome the most surprising event, with how many are like it."""
    found: dict[str, Row] = {}
    for line in lines():
        for row in line.get("rows", ()):
            score, why = _bits(row, summary)
            kind = "; ".join([row["end"], row.get("by", ""), *sorted(map(kind_of, row.get("why", ())))])
            if not why or (kind not in found and len(found) >= MOST):
                continue
            new = {**row, "surprise": round(score, 2), "surprising": why, "alike": 1}
            best = found.setdefault(kind, new)
            if best is not new:
                found[kind] = {**(new if _place(new) < _place(best) else best), "alike": best["alike"] + 1}
    return heapq.nsmallest(SURPRISES, found.values(), key=_place)


def _place(row: Row) -> tuple[float, int, str]:
    return (-row["surprise"], *_number(row))


def _bits(row: Row, summary: Summary) -> tuple[float, list[str]]:
    """Return how many bits the outcome tells, given what others of its kind came to; and why, in words."""
    stopped = row["end"] in STOPPED
    word = "stopped" if stopped else "let through"
    found: list[tuple[float, str]] = []
    if row["end"] == "crash":
        found.append((20.0, "MISP's engine would crash here"))
    if stopped and row["published"] and summary.trigger == "event-publish":
        found.append((3.0, "it is published today, and would have been stopped"))
    for label, name, groups in _kinds(row, summary):
        group = groups.get(name)
        if group is None or group.runs < 3:
            continue
        same = group.stopped if stopped else group.runs - group.stopped
        bits = -math.log2((same + 0.5) / (group.runs + 1))
        if bits > 1.0:
            found.append((bits, f"only {same} of {group.runs} {label} {'is' if same == 1 else 'are'} {word}"))
    if row.get("errors"):
        found.append((2.0, f"an action answered an error: {row['errors'][0]}"))
    found.sort(key=lambda item: (-item[0], item[1]))
    return sum(bits for bits, _ in found[:3]), [why for _, why in found[:3]]


def _kinds(row: Row, summary: Summary) -> Iterator[tuple[str, str, Groups]]:
    yield "of all", "", {"": Group(summary.runs, sum(summary.ends.get(end, 0) for end in STOPPED))}
    yield f"of {row['org']}", row["org"], summary.organisations
    for tag in row["tags"]:
        yield f"with {tag}", tag, summary.tags
