"""What the tests of the ledger share."""

from __future__ import annotations

import dataclasses
import time

from delivery_kit import parcel

from misp_workflow.delivery.ledger import Sent
from misp_workflow.effects import Parcel
from misp_workflow.testing.receiver import Receiver

EVENT = "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c"
OTHER = "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5d"


def row(item: str = "", destination: str = "siem", **changes) -> Sent:
    at = changes.pop("at", time.time())
    given = {"event": EVENT, "action": "elastic_document", "key": "k", "first": at, "at": at}
    return Sent(item=item, destination=destination, **{**given, **changes})


def told(receiver: Receiver, key: str, **changes) -> Parcel:
    return dataclasses.replace(parcel(receiver, key, **changes), event=EVENT)
