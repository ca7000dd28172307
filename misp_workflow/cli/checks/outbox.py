"""The outbox: can it be written, what waits, what died, is there room."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from misp_workflow.cli.checks.finding import Finding, error, ok, some, warning
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.outbox import Entry, Totals, open_outbox
from misp_workflow.errors import WorkflowError
from misp_workflow.settings import Settings, state

SUBJECT = "outbox"
OLD = 3600.0
"""Seconds after which something that still waits is worth a word."""
FULL = 0.8
LOOKED_AT = 10_000
"""Effects, about the oldest ones; more say nothing more."""


def check(rules: Settings) -> list[Finding]:
    """Return the findings about the outbox that the settings name."""
    folder = _folder(rules)
    try:
        outbox = open_outbox(rules)
        try:
            totals, notices, earlier = outbox.totals(), outbox.notices(), []
            if totals.oldest is not None and totals.oldest < last_changed(rules):  # a look holds all up at RabbitMQ
                earlier = _judged_earlier(rules, outbox.each("waiting"))
        finally:
            outbox.close()
    except (WorkflowError, ImportError) as trouble:
        todo = "misp-workflow accepts nothing until this is mended; docs/delivery.md says what the outbox needs"
        return [*folder, error(SUBJECT, str(trouble).rstrip("."), todo)]
    told = [warning(SUBJECT, notice.rstrip("."), "see docs/delivery.md") for notice in notices]
    return [*folder, *_contents(totals), *earlier, *told, *_ledger(rules)]


def _judged_earlier(rules: Settings, waiting: Iterable[Entry]) -> list[Finding]:
    """Tell of what was accepted before the settings last changed: nobody asks again whether it may still go there."""
    changed = last_changed(rules)
    some_of_them = [one for one in islice(waiting, LOOKED_AT) if one.created < changed]
    older = [one.destination or one.lane for one in some_of_them]
    if not older:
        return []
    named = {one.destination for one in some_of_them} - rules.destinations.keys()
    gone = dict.fromkeys(named, ", which is no longer there")
    told = some([f"{number} for {name}{gone.get(name, '')}" for name, number in sorted(Counter(older).items())])
    what = f"accepted before the settings last changed, with the clearance and address of then: {told}"
    todo = "where less may go there now, or elsewhere: misp-workflow outbox drop --destination NAME"
    return [warning(SUBJECT, what, todo)]


def last_changed(rules: Settings) -> float:
    """Return when the file of the settings was written last, 0 where there is none."""
    return rules.path.stat().st_mtime if rules.path is not None and rules.path.exists() else 0.0


def _folder(rules: Settings) -> list[Finding]:
    """Judge the state folder as the user that asks; misp-modules may be another one."""
    folder = rules.state_folder
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    user = state.user_name(os.geteuid()) if hasattr(os, "geteuid") else "this user"
    if why := state.refusal(folder):
        return [error(SUBJECT, *why.split("; ", 1))]
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return [
            error(
                SUBJECT,
                f"{user} cannot write the state folder {folder}",
                "make it as docs/install.md says, name another one in MISP_WORKFLOW_STATE, or run the doctor as the "
                "user that runs misp-modules",
            )
        ]
    there = f"the state folder is {state.whose(folder)}; {user} can write there"
    return [ok(SUBJECT, there), *_room(existing, rules), *_strangers(folder)]


def _ledger(rules: Settings) -> list[Finding]:
    """Judge whether what was sent can be read: cases and what is taken back wait for it, up to days."""
    try:
        ledger_of(rules, only_looks=True).items("", "", [""])
    except (WorkflowError, ImportError) as trouble:
        todo = "cases, and what is taken back, wait for it: let misp-modules' user read and write it, or move it away"
        return [error(SUBJECT, str(trouble).rstrip("."), todo)]
    return []


def _strangers(folder: Path) -> list[Finding]:
    names = state.of_others(folder)
    if not names:
        return []
    user = state.user_name(state.owner(folder) or 0)
    what = f"{some(names)} in {folder} {'is' if len(names) == 1 else 'are'} not {user}'s, whose state it is"
    return [error(SUBJECT, what, f"give {'it' if len(names) == 1 else 'them'} to {user} with chown")]


def _room(folder: Path, rules: Settings) -> list[Finding]:
    free = shutil.disk_usage(folder).free
    if free >= rules.outbox.max_bytes:
        return []
    what = f"the disk has {free // 2**20} MiB left, the outbox may take {rules.outbox.max_bytes // 2**20} MiB"
    return [warning(SUBJECT, what, "make room, or lower outbox.max_bytes")]


def _contents(totals: Totals) -> list[Finding]:
    waiting = sum(number for (_, state), number in totals.counts.items() if state != "dead")
    dead = sum(number for (_, state), number in totals.counts.items() if state == "dead")
    found = (
        [ok(SUBJECT, f"{waiting} effect{'' if waiting == 1 else 's'} wait{'s' if waiting == 1 else ''}")]
        if waiting
        else [ok(SUBJECT, "nothing waits")]
    )
    if totals.oldest is not None and time.time() - totals.oldest > OLD:
        hours = (time.time() - totals.oldest) / 3600
        todo = "see misp-workflow outbox; check that misp-modules, or misp-workflow outbox work, is running"
        found.append(warning(SUBJECT, f"the oldest has waited for {hours:.1f} hours", todo))
    if dead:
        todo = "see misp-workflow outbox for the reasons; then retry or drop them"
        found.append(warning(SUBJECT, f"{dead} effect{' was' if dead == 1 else 's were'} never delivered", todo))
    if totals.bytes_used is not None and totals.bytes_most and totals.bytes_used > FULL * totals.bytes_most:
        share = 100 * totals.bytes_used // totals.bytes_most
        todo = "find out which destination is down, or raise outbox.max_bytes; a full outbox refuses what is new"
        found.append(warning(SUBJECT, f"it is {share} % full", todo))
    return found
