from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import PEERS, Peer, amqp, sentinel, taxii

SETTINGS = """
answer_within = "30 s"
[lists]
folder = "{folder}/lists"
[destinations.peer]
tlp = "amber"
[destinations.peer.list]
format = "plain"
reserved = true
warninglists = []
"""


@pytest.fixture(params=PEERS, ids=lambda one: one.__name__)
def peer(request, tmp_path: Path, program, brokers, rules) -> Iterator[Peer]:
    """Each of the other sides, running, and settings that name it as the destination "peer"."""
    if request.param in (sentinel, taxii):
        request.getfixturevalue("misp_stix")
    rules(SETTINGS.format(folder=tmp_path))
    with request.param(tmp_path, brokers if request.param is amqp else program) as found:
        yield found
