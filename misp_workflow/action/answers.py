"""What MISP hears: one plain sentence, and whether it is a yes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from misp_workflow.delivery import guard
from misp_workflow.delivery.guard.sizes import MARK
from misp_workflow.effects import Receipt, together
from misp_workflow.printable import printable

MAX_SENTENCE = 1_000
"""Characters of an answer; it may quote what somebody typed, and MISP keeps it in a log."""

LONGEST_READ = 20 * MAX_SENTENCE
"""Characters that are looked at, for it may quote a megabyte."""

ORDER = ("queued", "delivered", "dry-run", "skipped")
"""Of several, the first that is among them is what holds for all."""

_FULL_STOPS = re.compile(r"(?<!\.)\.\.(?=[\s)]|\Z)")

Answer = dict[str, Any]


class Refusal(dict[str, Any]):
    """The answer of a gate that has judged and says no; any other error means that it could not judge."""


def spoken(receipts: Sequence[Receipt]) -> Answer:
    """Return the answer that these receipts amount to: an error as soon as one was refused."""
    receipts = together(receipts)
    refused = [receipt for receipt in receipts if not receipt.accepted]
    details = sentence(" ".join(dict.fromkeys(receipt.detail for receipt in refused or receipts)))
    if refused:
        return {"error": details}
    return {"data": {"status": min((receipt.status for receipt in receipts), key=ORDER.index), "detail": details}}


def sentence(words: str) -> str:
    """Return the words on one line that commands no terminal, each sentence with one full stop."""
    if len(words) > LONGEST_READ:
        words = f"{words[:LONGEST_READ]} {MARK}"
    return guard.cut(_FULL_STOPS.sub(".", printable(" ".join(words.split()))), MAX_SENTENCE)


def with_note(answer: Answer, problem: str) -> Answer:
    """Return the answer with a remark behind it, unless that is what it says anyhow."""
    if not problem or problem in answer.get("error", ""):
        return answer
    if "error" in answer:
        return type(answer)(error=f"{answer['error']} ({problem})")
    return {"data": {**answer["data"], "detail": f"{answer['data']['detail']} ({problem})"}}


def taken_back(refusal: str, answer: Answer) -> Answer:
    """Return the error of an event that may not go, with what became of that which went out before."""
    was = "" if answer.get("data", {}).get("status") == "skipped" else "Taken back: "
    return {"error": f"{refusal} {was}{answer.get('error') or answer['data']['detail']}"}


def of_places(answers: dict[str, Answer]) -> Answer:
    """Return one answer for several destinations: an error as soon as one refused; each place's own sentence."""
    if len(answers) == 1:
        [answer] = answers.values()
        return answer
    said = {place: one.get("error") or one["data"]["detail"] for place, one in answers.items()}
    detail = sentence(" ".join(f"{place}: {told}" for place, told in said.items()))
    if any("error" in one for one in answers.values()):
        return {"error": detail}
    return {
        "data": {"status": min((one["data"]["status"] for one in answers.values()), key=ORDER.index), "detail": detail}
    }
