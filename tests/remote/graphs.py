"""Random graphs as MISP's editor stores them, with all that makes a way there and back hard."""

from __future__ import annotations

import random
from typing import Any

MODULES = (
    ("logic", "tag-if"),
    ("logic", "generic-if"),
    ("action", "slack_message"),
    ("action", "publish_gate"),
    ("action", "stop-execution"),
    ("action", "webhook"),
)
VALUES = (
    "",
    "0",
    "tlp:red",
    'ümläut ☃ "x"',
    "{{ Event.info }}\r\n",
    [],
    ["a", "b"],
    {},
    {"a": {}},
    0,
    1.5,
    100.0,
    True,
    None,
)


def graph(seed: int, trigger: str = "event-publish") -> dict[str, Any]:
    """Return a graph that MISP would store, another one for each seed."""
    rng = random.Random(seed)
    size = rng.randint(1, 9)
    data = {"1": node(rng, 1, "trigger", trigger)}
    for key in range(2, size + 2):
        data[str(key)] = node(rng, key, *rng.choice(MODULES))
    keys = list(data)
    for place, key in enumerate(keys):
        for output in ("output_1", "output_2") if data[key]["data"]["module_type"] == "logic" else ("output_1",):
            later = keys[place + 1 :]
            targets = [rng.choice(later)] if later and rng.random() < 0.8 else []
            connections = [{"node": target, "output": "input_1"} for target in targets]
            data[key]["outputs"][output] = {"connections": connections}
            for target in targets:
                back = {"node": key, "input": output}
                data[target]["inputs"].setdefault("input_1", {"connections": []})["connections"].append(back)
    shuffled = [(key, data[key]) for key in rng.sample(keys, len(keys))]
    if rng.random() < 0.5:
        shuffled.append(("_frames", {"f1": {"id": "f1", "text": "a frame", "nodes": [2, 3], "class": ""}}))
    return dict(shuffled)


def node(rng: random.Random, key: int, kind: str, module: str) -> dict[str, Any]:
    params = {f"p{number}": rng.choice(VALUES) for number in range(rng.randint(0, 4))}
    own = {rng.choice(("my_own", "html", "zz")): rng.choice(VALUES)} if rng.random() < 0.5 else {}
    return {
        "pos_x": rng.choice((60, 100.5, -20)),
        "pos_y": rng.randint(0, 500),
        "class": f"block-type-{kind}",
        "id": key,
        "name": module,
        "typenode": False,
        "inputs": {},
        "outputs": {},
        **own,
        "data": {
            "module_type": kind,
            "name": module,
            "id": module,
            "indexed_params": params,
            "saved_filters": {"selector": "", "value": "", "operator": "", "path": ""},
            **own,
        },
    }
