"""The ways out: one file here per kind of effect, found by the effect's `kind`; folders hold what they are made of.

    network     connections under all of them        request  what an HTTP request is made of, and what is answered
    batches     what batches of records need         dialects and streams  the services and systems that take batches
    encryption  of mails

A transport is a module with one function::

    send(effect, key, deadline) -> Answer

`key` is the parcel's key, `deadline` a time of `time.monotonic()`. It returns before the deadline, never raises for
anything that the other side or the network does, and says what happened as an `Answer`, with no secret in it.
"""

from __future__ import annotations

import importlib
from typing import Any, cast

from misp_workflow.delivery import trial
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Effect
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import Settings

FILES = {"post": "http", "mail": "smtp"}
"""Kinds whose transport has another name than the kind."""


def send(effect: Effect, key: str, deadline: float) -> Answer:
    """Hand the effect to the transport of its kind; the transport is imported at its first use."""
    name = FILES.get(effect.kind, effect.kind)
    transport = importlib.import_module(f"{__name__}.{name}")
    return cast(Answer, transport.send(effect, key, deadline))


def read_event(reference: str, rules: Settings, deadline: float, row_only: bool = False) -> dict[str, Any]:
    """Return what the MISP of these settings says of an event, {"Event": …}; DeliveryError when it cannot be asked.

    `row_only`: without its attributes, and by its uuid. Not an effect: a gate that must know more than MISP sent asks
    while MISP waits. A trial asks nobody.
    """
    tried = trial.current()
    if tried is not None:
        found = tried.read(reference)
        if found is None:
            raise DeliveryError("In a trial nobody is asked, so what MISP says of the event is not known.")
        return found
    misp = importlib.import_module(f"{__name__}.misp")
    return cast("dict[str, Any]", misp.read_event(reference, rules, deadline, row_only))
