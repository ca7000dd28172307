"""Events with numbered attributes, to be made STIX of."""

from __future__ import annotations

from typing import Any

EVENT = "11111111-2222-4333-8444-555555555555"
ORG = "55f6ea5e-2c60-40e5-964f-47a8950d210f"


def uid(number: int) -> str:
    return f"{number:08d}-0000-4000-8000-000000000000"


def attribute(number: int, kind: str = "domain", value: str = "", **more: Any) -> dict[str, Any]:
    told = {"uuid": uid(number), "type": kind, "value": value or f"n{number}.example", "to_ids": True}
    return {**told, "category": "Network activity", "timestamp": "1767312000", **more}


def event(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"uuid": EVENT, "info": "stix", "date": "2026-01-01", "timestamp": "1767312000", "published": True}
    creator = {"Orgc": {"name": "CERT", "uuid": ORG}, "publish_timestamp": "1767312000"}
    return {"Event": {**told, **creator, "Attribute": [*rows], **more}}


def file_object(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"uuid": uid(900), "name": "file", "meta-category": "file", "timestamp": "1767312000"}
    return {**told, "template_uuid": "688c46fb-5edb-40a3-8273-1af7923e2215", "Attribute": [*rows], **more}
