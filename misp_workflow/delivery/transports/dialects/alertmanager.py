"""Prometheus Alertmanager: alerts, known by their labels; the same labels again update, an end in the past resolves.

https://prometheus.io/docs/alerting/latest/clients/
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer, part
from misp_workflow.delivery.transports.request.answers import quotable
from misp_workflow.effects import Bulk


def content(bulk: Bulk) -> tuple[str, str]:
    """Return the alerts: labels of nothing that changes, all else as annotations."""
    alerts = []
    for one in bulk.records:
        end = bulk.at + int(bulk.options["keep"]) if one["body"] else bulk.at
        labels = {"alertname": bulk.options["name"], "attribute": one["key"], **bulk.options.get("labels", {})}
        told = {"labels": labels, "startsAt": _time(bulk.at - 1), "endsAt": _time(end)}
        alerts.append({**told, "annotations": _texts(json.loads(one["body"]))} if one["body"] else told)
    return json.dumps(alerts, ensure_ascii=False), "application/json"


def _texts(values: dict[str, Any]) -> dict[str, str]:
    """Return the values as texts: an annotation is nothing else."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value)


def judge(bulk: Bulk, reply: Reply) -> Answer:
    """Return that all are in, or why not; of a 400 nobody knows which: the good ones are active all the same."""
    if reply.status == 200 and reply.body.strip():  # its yes has no body; a sign-in page, say, has one
        return Answer(outcome="refused", detail="it did not answer as Alertmanager does: check the address")
    if reply.status == 200:
        ids = {place: str(one["topic"]) for place, one in enumerate(bulk.records)}
        return part(len(bulk.records), {}, {}, ids=ids)
    said = quotable(reply.body.decode("utf-8", "replace"), bulk.secrets)
    return Answer(outcome="refused", detail=f"it answered {reply.status}, and took those that it could: {said}")


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
