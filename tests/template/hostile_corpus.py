"""Event text that nobody should trust, for every test that puts event text somewhere.

`hostile.json` is a list of {"kind", "name", "text"[, "times"]}: the text, `times` times over. It holds lone surrogates, so
read it with `json`, not with orjson.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

CORPUS = Path(__file__).with_name("hostile.json")


def hostile_texts(largest: int | None = None) -> dict[str, str]:
    """Return the texts by "kind: name"; `largest` leaves out those of more characters."""
    return {name: text for name, text in _texts().items() if largest is None or len(text) <= largest}


@cache
def _texts() -> dict[str, str]:
    """All texts, 50 MB, once for all tests that read them."""
    return {
        f"{entry['kind']}: {entry['name']}": entry["text"] * entry.get("times", 1)
        for entry in json.loads(CORPUS.read_text("ascii"))
    }
