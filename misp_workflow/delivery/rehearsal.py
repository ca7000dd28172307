"""What a dry run says of an effect: what would be sent, or why it is certain now that it would not be done."""

from __future__ import annotations

import dataclasses
import json

from misp_workflow.delivery.guard import cut
from misp_workflow.effects import Command, Effect, Messages, Status, masked
from misp_workflow.words import counted

MOST_DESCRIBED = 4000
"""Characters of what a dry run tells: it goes into MISP's log."""


def ending(effect: Effect, told: bool) -> tuple[Status, str]:
    """Return status and detail of what is only tried. `told`: somebody reads what would be sent."""
    if isinstance(effect, Command):
        from misp_workflow.delivery.transports import command  # here: most servers run no program

        answer = command.foreseen(effect)
        if answer is not None and (answer.outcome == "refused" or not effect.keep):
            return "refused", answer.detail
        if answer is not None:
            return "dry-run", f"would wait in the outbox: {answer.detail}"
        if not effect.keep:
            return "dry-run", f"{effect.service} was not started, which counts as its yes"
    return "dry-run", _described(effect) if told else ""


def _described(effect: Effect) -> str:
    """Return what would be sent: the effect with its secrets masked, without what says how its answer is judged."""
    wanted = 2 * MOST_DESCRIBED  # some of it is not sent
    label = effect.label
    if isinstance(effect, Messages):  # what says it in one is for a digest
        told = counted(effect.number(), "message") + ", with a file" * bool(effect.uploads)
        effect, label = dataclasses.replace(effect, json=None, form=None), f"{label} (in {told})"
    shown = {name: value for name, value in masked(effect, wanted).items() if name not in _NOT_SENT}
    does = f"run {effect.service}" if isinstance(effect, Command) else f"send {label}"
    return cut(f"would {does}: {json.dumps(shown, ensure_ascii=False)}", MOST_DESCRIBED)


_NOT_SENT = {
    "label",
    "service",
    "digest",
    "digest_limit",
    "expect",
    "refuse",
    "error_at",
    "retry_on",
    "retry_after_at",
    "about",
    "takes_back",
    "at",
    *("found_at", "id_at", "name_at", "lag", "style"),
}
