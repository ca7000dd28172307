"""The way back: the case's address in MISP, written once."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any
from urllib.parse import quote

from misp_workflow.delivery.cases.memory import LINK, Memory
from misp_workflow.delivery.cases.words import LINKED
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Case, MispChange


def link_back(case: Case, memory: Memory, key: str, deadline: float, answer: Answer) -> Answer:
    """Have MISP hold the address of the case, unless it does already; return the answer with what came of it.

    A local tag fires no workflow. An attribute does: it is left out of what the case shows, so the call that it causes
    changes nothing.
    """
    known = memory.known
    item = f"{LINK} {case.misp}".rstrip()
    if known is None or not case.page or memory.has(item, known):
        return answer
    page = case.page.replace("{id}", quote(known.id, safe="")).replace("{name}", quote(known.name, safe=""))
    name = f"{case.service} {case.called} {known.name}"
    which: dict[str, Any] = {"misp": case.misp, "event_number": case.event_number}
    if case.link_back == "tag":
        values = {"add": [f'case:{case.action}="{page}"'], "remove": [], "local": True}
        change = MispChange(change="tag", event=case.event, values=values, label=f"tag with {name}", **which)
    else:
        values = {"value": page, "comment": f"{LINKED}{name}", "where": memory.where}
        change = MispChange(change="link", event=case.event, values=values, label=f"link to {name}", **which)
    misp = importlib.import_module("misp_workflow.delivery.transports.misp")  # PyMISP is loaded by those who need it
    said: Answer = misp.send(change, key, deadline)
    if said.outcome == "delivered":
        memory.has_now(item, known)
        return answer
    told = f"{answer.detail}; MISP does not hold its address yet: {said.detail}"
    if said.outcome == "again":
        return dataclasses.replace(said, detail=told, down=False)
    return dataclasses.replace(answer, detail=told)
