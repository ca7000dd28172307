"""How the stand-in for MISP finds what answers a request, and the forms of MISP's yes and no."""

from __future__ import annotations

import re
import uuid as uuids
from collections.abc import Callable
from typing import Any

from misp_workflow.testing.receiver import Answer, answer

ROUTES: list[tuple[str, re.Pattern[str], str]] = []


def route(method: str, pattern: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Name the method and path that a function answers; the groups of the pattern are its further arguments."""

    def note(function: Callable[..., Answer]) -> Callable[..., Answer]:
        lazy = re.sub(r"\[\^/\]\+(?!\?)", "[^/]+?", pattern)  # a name ends before its .json
        ROUTES.append((method, re.compile(rf"{lazy}(?:\.json)?", re.IGNORECASE), function.__name__))
        return function

    return note


def yes(message: str, path: str, **more: Any) -> Answer:
    """A success in MISP's usual form."""
    return answer({"saved": True, "success": True, "name": message, "message": message, "url": path, **more})


def no(status: int, message: str, path: str) -> Answer:
    """A refusal in MISP's usual form."""
    return answer({"name": message, "message": message, "url": path}, status)


def not_saved(what: str, url: str, errors: Any, **more: Any) -> Answer:
    """What MISP answers when it does not take a thing: `what` is "add Attribute", "edit Event", …"""
    words = f"Could not {what}"
    said = {"saved": False, "name": words, "message": words, "url": url, "errors": errors}
    return answer({**said, **more}, 403)


def is_uuid(text: str) -> bool:
    try:
        uuids.UUID(text)
    except ValueError:
        return False
    return True
