"""The only place that performs effects."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from misp_workflow import settings
from misp_workflow.delivery import transports
from misp_workflow.effects import Parcel, Receipt


def deliver(
    parcels: Sequence[Parcel],
    *,
    mode: Literal["wait", "queue"] = "wait",
    dry_run: bool = False,
    deadline: float | None = None,
) -> list[Receipt]:
    """Perform the effects, one after the other, and return one receipt each, in their order.

    `deadline` is a time of `time.monotonic()`; without it, the settings' `answer_within` from now. Raises nothing but
    DeliveryError.
    """
    end = deadline if deadline is not None else time.monotonic() + settings.current().answer_within
    if dry_run:
        return [
            Receipt(status="dry-run", detail=f"would send: {parcel.effect.label}", key=parcel.key) for parcel in parcels
        ]
    return [_perform(parcel, end) for parcel in parcels]


def _perform(parcel: Parcel, deadline: float) -> Receipt:
    answer = transports.send(parcel.effect, parcel.key, deadline)
    status: Literal["delivered", "refused"] = "delivered" if answer.outcome == "delivered" else "refused"
    return Receipt(status=status, detail=answer.detail, key=parcel.key)
