"""Make an effect as small as its destination wants it, honestly."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from misp_workflow.delivery.guard.sizes import MARK, cut, cut_json
from misp_workflow.effects import Case, Command, Effect, EventPush, Mail, Messages, Notification, Post
from misp_workflow.errors import DeliveryError

LEFT_OUT = "(The attachment “{name}” was too large and is left out.)"


def fit(effect: Effect, limit: int | None) -> Effect:
    """Return the effect with a content of at most `limit` bytes (None: no bound); the same one when it fits already.

    Texts and lists end in a mark that says so, JSON stays JSON, what cannot be shortened without breaking it (the HTML
    half of a mail, an attachment) is left out. Kinds that carry no content of their own are returned as they are.
    """
    if limit is None:
        return effect
    if isinstance(effect, Case):
        return _case(effect, limit)
    if isinstance(effect, EventPush):
        return _whole(effect, limit)
    if isinstance(effect, Messages):
        effect = dataclasses.replace(effect, messages=tuple(_message(one, limit) for one in effect.messages))
    if isinstance(effect, Post):
        return _post(effect, limit)
    if isinstance(effect, Mail):
        return _mail(effect, limit)
    if isinstance(effect, Notification):
        return dataclasses.replace(effect, text=cut(effect.text, limit, "bytes"))
    if isinstance(effect, Command) and effect.keep:  # a gate that judged a part would let the rest through
        return dataclasses.replace(effect, input=cut_json(effect.input, limit))
    return effect


def _whole(effect: EventPush, limit: int) -> EventPush:
    """Return the push as it is: half an event would be taken for the whole one."""
    size = len(orjson.dumps(effect.body))
    if size > limit:
        said = (
            f"The event has {size:,} bytes, more than the destination takes (max_bytes: {limit:,}); nothing was sent."
        )
        raise DeliveryError(said)
    return effect


def _case(effect: Case, limit: int) -> Case:
    """Shorten what makes the case and what changes it; the other steps say little."""

    def smaller(request: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**request, "json": cut_json(request["json"], limit)} if "json" in request else request

    create, update = (tuple(map(smaller, step)) for step in (effect.create, effect.update))
    return dataclasses.replace(effect, create=create, update=update)


def _post(effect: Post, limit: int) -> Post:
    if effect.file:
        file = {**effect.file, "text": cut(effect.file["text"], limit, "bytes")}
        effect = dataclasses.replace(effect, file=file)
    if effect.json is not None:
        smaller = cut_json(effect.json, limit)
        return effect if smaller is effect.json else dataclasses.replace(effect, json=smaller)
    if effect.body is not None:
        body = _body(effect.body, effect.content_type, limit)
        return effect if body == effect.body else dataclasses.replace(effect, body=body)
    if effect.form is not None:
        form = _form(effect.form, limit)
        return effect if form == effect.form else dataclasses.replace(effect, form=form)
    return effect


def _message(message: Mapping[str, Any], limit: int) -> Mapping[str, Any]:
    if "json" in message:
        smaller = cut_json(message["json"], limit)
        if message.get("put") and (smaller or {}).keys() != message["json"].keys():
            raise DeliveryError(f"A message with a file does not fit into the destination's max_bytes ({limit:,}).")
        return {**message, "json": smaller}
    return {**message, "form": _form(message["form"], limit)}


def _body(body: str, content_type: str, limit: int) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    if len(body.encode("utf-8", "replace")) <= limit or not kind.endswith(("/json", "+json")):
        return cut(body, limit, "bytes")
    try:
        value = json.loads(body)
    except ValueError:
        return cut(body, limit, "bytes")
    return orjson.dumps(cut_json(value, limit)).decode()


def _form(form: Mapping[str, str], limit: int) -> Mapping[str, str]:
    """Shorten the longest field as often as it takes."""
    fields = dict(form)
    while (excess := len(urlencode(fields, errors="replace")) - limit) > 0:
        longest = max(fields, key=lambda name: len(fields[name]))
        if len(fields[longest]) <= len(MARK):
            break
        # A character takes up to twelve bytes in a form: so this never takes more away than needed.
        room = max(len(fields[longest]) - max(excess // 12, 1), len(MARK))
        fields[longest] = cut(fields[longest], room)
    return fields


def _mail(effect: Mail, limit: int) -> Mail:
    if _mail_size(effect) > limit and effect.attachment:
        told = f"{effect.text.rstrip()}\n\n{LEFT_OUT.format(name=effect.attachment_name)}"
        effect = dataclasses.replace(effect, attachment="", text=told, html="")
    if _mail_size(effect) > limit and effect.html:
        effect = dataclasses.replace(effect, html="")
    return effect if _mail_size(effect) <= limit else dataclasses.replace(effect, text=cut(effect.text, limit, "bytes"))


def _mail_size(effect: Mail) -> int:
    return sum(len(part.encode("utf-8", "replace")) for part in (effect.text, effect.html, effect.attachment))
