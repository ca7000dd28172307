"""What was accepted arrives, however often the process that carries it is killed, and is counted where it comes twice."""

from __future__ import annotations

import pytest
from killed import arrived, ask, event, killed_often
from peers import Peer

pytestmark = pytest.mark.waits
TELLS = ("`blocklist_file`", "`elastic_document`, index", "`elastic_document`, data stream", "`alertmanager_alert`", "`sentinel_indicator`",
         "`taxii_objects`", "`mqtt_message`, retained", "`nats_message`")  # fmt: skip
"""Destinations that can tell a repetition from something new."""
NUMBER = 1_200
BATCH = 500


def test_nothing_is_lost_by_kills(peer: Peer) -> None:
    number = min(NUMBER, peer.most)
    said = ask(peer, event(number, peer.kind))
    assert said["data"]["status"] == "queued", said
    killed = killed_often(peer, 2, seed=len(peer.name))
    found = arrived(peer, number)
    assert (found.there, found.lost) == (number, 0)
    assert found.doubled == 0 if peer.name in TELLS else found.doubled <= killed * BATCH
