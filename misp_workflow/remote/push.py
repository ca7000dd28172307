"""Bring a workflow into a MISP: plan it, keep what is there, write it, look whether MISP has it.

MISP knows no transaction. So everything is looked at before anything is written, what stands there is kept first
(`undo`), and after a failure on the way MISP is asked what stands now.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from misp_workflow.errors import DeliveryError, InputError, did_you_mean
from misp_workflow.remote import undo
from misp_workflow.remote.client import Misp, Stored
from misp_workflow.remote.difference import Change, changes
from misp_workflow.remote.document import Content
from misp_workflow.remote.undo import Store

LONGEST = 191
"""Characters of a workflow's name, and of its description, that MISP can save."""


@dataclass(frozen=True)
class State:
    """What a MISP has and has enabled, read at once."""

    version: str
    workflows: dict[str, Stored]
    triggers: dict[str, bool]
    modules: dict[str, bool]

    @classmethod
    def of(cls, misp: Misp) -> State:
        return cls(misp.version(), misp.workflows(), misp.triggers(), misp.modules())


@dataclass(frozen=True)
class Plan:
    """What a push would do, or in `refusals` why not.

    `disabled`: modules that the graph needs and MISP does not execute, the trigger last if it is one of them; `enable`:
    whether the push enables them.
    """

    content: Content
    current: Stored | None
    changes: list[Change]
    disabled: list[str]
    enable: bool
    refusals: list[str]

    @property
    def nothing_to_do(self) -> bool:
        return self.is_there and not (self.enable and self.disabled)

    @property
    def is_there(self) -> bool:
        """Whether MISP has exactly this already."""
        return self.current is not None and self.current.content.fingerprint == self.content.fingerprint


@dataclass
class Outcome:
    """What came of a push. `done` are its steps, `problem` why it ended early, `standing` what MISP has now."""

    done: list[str] = field(default_factory=list)
    problem: str = ""
    standing: str = ""
    kept_as: str = ""

    @property
    def success(self) -> bool:
        return not self.problem


def plan(state: State, content: Content, *, base: str = "", replace: bool = False, enable: bool = False) -> Plan:
    """Look what a push of this has to do.

    `base` is the fingerprint of what the file was pulled from, "" when it was not pulled from this MISP. `replace`:
    whatever MISP has for this trigger may go.
    """
    current = state.workflows.get(content.trigger)
    needed = sorted({node.module for node in content.workflow().graph.nodes.values() if node.type != "trigger"})
    disabled = [name for name in needed if state.modules.get(name) is False]
    if state.triggers.get(content.trigger) is False:
        disabled.append(content.trigger)
    there = current.content if current else _nothing(content.trigger)
    found = Plan(content, current, changes(there, content), disabled, enable, [])
    found.refusals.extend([*_too_long(content), *_unknown(state, content.trigger, needed)])
    if not found.is_there and current is not None and not current.content.is_bare and not replace:
        if not base:
            found.refusals.append(
                f"MISP has another workflow for {content.trigger}, “{current.content.name}”: --replace lets this one "
                "take its place."
            )
        elif base != current.content.fingerprint:
            found.refusals.append(
                f"Somebody changed “{current.content.name}” in MISP since it was pulled: pull it again and bring the "
                "two together, or let this one take its place with --replace."
            )
    return found


def _nothing(trigger: str) -> Content:
    return Content(trigger, "", "", False, {})


def _too_long(content: Content) -> list[str]:
    """What MISP 2.5.1 answers with an internal error."""
    return [
        f"Its {what} has {len(words)} characters; MISP keeps {LONGEST} at most."
        for what, words in (("name", content.name), ("description", content.description))
        if len(words) > LONGEST
    ]


def _unknown(state: State, trigger: str, modules: list[str]) -> list[str]:
    """What MISP would save in silence, and never run."""
    found = []
    if trigger not in state.triggers:
        found.append(f"MISP has no trigger {trigger}{did_you_mean(trigger, state.triggers)}.")
    for name in modules:
        if name not in state.modules:
            near = did_you_mean(name, state.modules)
            found.append(f"MISP has no module {name}{near}. Is misp-modules running, with the pack installed?")
    return found


def perform(misp: Misp, planned: Plan, store: Store) -> Outcome:
    """Carry the plan out. InputError when what is there could not be kept; then nothing was written."""
    if planned.refusals:
        raise InputError(planned.refusals[0])
    outcome = Outcome()
    if planned.nothing_to_do:
        outcome.standing = "MISP has exactly this already."
        return outcome
    was = planned.current.content if planned.current else None
    switched = planned.disabled if planned.enable else []
    kept = undo.Kept(misp.url, planned.content.trigger, was, planned.content, tuple(switched))
    outcome.kept_as = store.keep(kept)
    try:
        _write(misp, planned, switched, outcome)
        outcome.standing, outcome.problem = _looked_at(misp, planned)
    except DeliveryError as error:
        outcome.problem = str(error)
        outcome.standing, untouched = _standing(misp, planned, switched)
        if untouched:
            store.forget(outcome.kept_as)
            outcome.kept_as = ""
    return outcome


def _write(misp: Misp, planned: Plan, switched: list[str], outcome: Outcome) -> None:
    """Modules before the graph that needs them, the trigger last: nothing half made is ever run."""
    trigger = planned.content.trigger
    for name in switched:
        if name != trigger:
            misp.enable(name, True)
            outcome.done.append(f"enabled {name}")
    current = planned.current
    if current is None:
        current = misp.create(trigger)
        outcome.done.append(f"made a workflow for {trigger}")
    if not planned.is_there:
        misp.save(current, planned.content)
        outcome.done.append("wrote the graph" if planned.current is None else "wrote what has changed")
    if trigger in switched:
        misp.enable(trigger, True, trigger=True)
        outcome.done.append(f"enabled the trigger {trigger}")


def _looked_at(misp: Misp, planned: Plan) -> tuple[str, str]:
    """Return what MISP has now, and what is wrong with that."""
    now = State.of(misp)
    found = now.workflows.get(planned.content.trigger)
    if found is None or found.content.fingerprint != planned.content.fingerprint:
        others = changes(planned.content, found.content) if found else []
        told = "; ".join(map(str, others[:5])) or "there is none"
        return f"MISP has something else than what was pushed: {told}.", "MISP did not keep what was written."
    again = plan(now, planned.content)
    if planned.enable and again.disabled:
        names = ", ".join(again.disabled)
        return f"MISP now has exactly this, but {names} is not enabled.", f"MISP said yes, and did not enable {names}."
    return "MISP now has exactly this.", ""


def _standing(misp: Misp, planned: Plan, switched: list[str]) -> tuple[str, bool]:
    """Say what MISP has after a failure on the way, and whether that is what it had before."""
    try:
        now = State.of(misp)
    except DeliveryError:
        return (
            "What MISP has now is not known, for it no longer answers. 'misp-workflow diff' shows it when it is back.",
            False,
        )
    on = [name for name in switched if now.modules.get(name) or now.triggers.get(name)]
    enabled = f" Enabled now, and not before: {', '.join(on)}." if on else ""
    found = now.workflows.get(planned.content.trigger)
    here = found.content.fingerprint if found else None
    if here == planned.content.fingerprint:
        return f"MISP has the new graph all the same.{enabled}", False
    if here == (planned.current.content.fingerprint if planned.current else None):
        what = "MISP still has what was there." if here else "MISP still has no workflow there."
        return f"{what}{enabled}", not on
    if found is not None and found.content.is_bare:
        return f"MISP has an empty workflow for {planned.content.trigger}.{enabled}", False
    return f"MISP has something else than before and than what was pushed.{enabled}", False
