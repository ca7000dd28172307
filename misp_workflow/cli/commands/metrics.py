"""misp-workflow metrics: what monitoring watches, in Prometheus' text form."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import get_args

import click

from misp_workflow import __version__, settings
from misp_workflow.cli.inputs import NEW_FILE
from misp_workflow.cli.screen import echo
from misp_workflow.delivery import verdicts
from misp_workflow.delivery.outbox import Totals, open_outbox
from misp_workflow.errors import InputError

Values = Iterable[tuple[Mapping[str, str], float | int | None]]


@click.command()
@click.option(
    "--file", "target", type=NEW_FILE, help="Write there, whole or not at all: for node_exporter's textfile collector."
)
def command(target: Path | None) -> None:
    """Write the numbers of the outbox and the gates for Prometheus.

    Run it as the user of misp-modules, from a timer. Exit status: 0 written, 2 nothing could be written, or without the
    outbox, because the settings cannot be used.
    """
    rules = settings.current()
    text = house(not rules.problem, verdicts.counts(rules.state_folder), time.time())
    if not rules.problem:  # else another outbox may be meant
        with contextlib.closing(open_outbox(rules)) as box:
            text += outbox(box.totals(), time.time())
    _write(text, target)
    if rules.problem:
        raise InputError(f"{rules.problem} The numbers of the outbox are left out.")


def _write(text: str, target: Path | None) -> None:
    if target is None:
        echo(text, nl=False)
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(0o644)  # node_exporter is another user; there is no secret in it
    beside.replace(target)


def house(in_force: bool, gates: Mapping[tuple[str, str], int], now: float) -> str:
    """Return the numbers of the package itself and of its gates."""
    known = sorted({gate for gate, _ in gates})  # each with every verdict: a rise from nothing would not be seen
    judged = [
        ({"gate": gate, "verdict": verdict}, gates.get((gate, verdict), 0))
        for gate in known
        for verdict in get_args(verdicts.Verdict)
    ]
    return _text(
        _metric("info", "gauge", "The version that wrote this.", [({"version": __version__}, 1)]),
        _metric("written_seconds", "gauge", "When this was written, as Unix time.", [({}, round(now, 3))]),
        _metric("settings_in_force", "gauge", "0: the settings file cannot be used as it is.", [({}, int(in_force))]),
        _metric("gate_verdicts_total", "counter", "What the gates on this machine said.", judged),
    )


def outbox(totals: Totals, now: float) -> str:
    """Return the numbers of the outbox."""
    oldest = max(now - totals.oldest, 0.0) if totals.oldest is not None else 0.0
    by_state = [({"destination": lane, "state": state}, number) for (lane, state), number in totals.counts.items()]
    by_end = [({"destination": lane, "how": how}, number) for (lane, how), number in totals.ended.items()]
    parts = [
        _metric("outbox_effects", "gauge", "Effects in the outbox that wait or died.", by_state),
        _metric("outbox_ended_total", "counter", "Effects that ended since the outbox began.", by_end),
        _metric("outbox_oldest_seconds", "gauge", "Age of the oldest effect that waits.", [({}, round(oldest, 3))]),
    ]
    if totals.bytes_used is not None:
        parts.append(_metric("outbox_bytes", "gauge", "Bytes in use.", [({}, totals.bytes_used)]))
        text = "Bytes after which the outbox refuses."
        parts.append(_metric("outbox_bytes_limit", "gauge", text, [({}, totals.bytes_most)]))
    return _text(*parts)


def _text(*metrics: list[str]) -> str:
    return "".join(f"{line}\n" for lines in metrics for line in lines)


def _metric(name: str, kind: str, text: str, values: Values) -> list[str]:
    """Return one metric as https://prometheus.io/docs/instrumenting/exposition_formats/ wants it."""
    full = f"misp_workflow_{name}"
    lines = [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
    for labels, value in values:
        inside = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        lines.append(f"{full}{{{inside}}} {value}" if inside else f"{full} {value}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
