"""Elasticsearch and OpenSearch: `_bulk`, an answer of 200 with a status for each document.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from misp_workflow.delivery import retry
from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer, part
from misp_workflow.effects import Bulk

THERE_ALREADY = 409
NOT_THERE = 404


def content(bulk: Bulk) -> tuple[str, str]:
    """Return the documents as NDJSON; what is withdrawn is deleted, or in a data stream said by a document more."""
    lines = []
    for one in bulk.records:
        name = {"_index": one["topic"], "_id": one["key"]}
        if bulk.options.get("data_stream"):
            told = json.loads(one["body"]) if one["body"] else {"misp": {"attribute_uuid": one["key"]}, **GONE}
            # the last word is the latest one, whatever the time of the attribute's last change
            told = json.dumps({**told, "@timestamp": int(bulk.at * 1000)}, ensure_ascii=False)
            lines += [json.dumps({"create": {"_index": one["topic"], "_id": one["id"]}}), told]
        elif one["body"] is None:
            lines.append(json.dumps({"delete": name}))
        else:
            lines += [json.dumps({"index": name}), one["body"]]
    return "".join(f"{line}\n" for line in lines), "application/x-ndjson"


GONE = {"event": {"kind": "enrichment", "action": "withdrawn"}}


def judge(bulk: Bulk, reply: Reply) -> Answer:
    """Return what came of each document."""
    try:
        items = orjson.loads(reply.body)["items"]
        statuses = [next(iter(item.values())) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        statuses = []
    if len(statuses) != len(bulk.records):
        return Answer(outcome="refused", detail="it did not say what came of each document: check the address")
    refused: dict[int, str] = {}
    again: dict[int, str] = {}
    for place, (record, item) in enumerate(zip(bulk.records, statuses, strict=True)):
        status = item.get("status") if isinstance(item, dict) else None
        if type(status) is not int or status < 200:
            refused[place] = "nothing was said of it"
            continue
        taken = status < 300 or status == THERE_ALREADY or (status == NOT_THERE and record["body"] is None)
        if not taken:
            later = retry.http_outcome(status) == "again"
            (again if later else refused)[place] = _reason(item, status)
    ids = {place: str(one["topic"]) for place, one in enumerate(bulk.records)}
    return part(len(statuses), refused, again, ids=ids)


def _reason(item: dict[str, Any], status: int) -> str:
    error = item.get("error")
    if isinstance(error, dict):
        return f"{error.get('type', status)}: {error.get('reason', '')}".rstrip(": ")
    return f"status {status}"
