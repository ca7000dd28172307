"""The parts of a request: what a `Post` says, as it will be signed and sent."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import orjson
from urllib3 import encode_multipart_formdata

from misp_workflow.delivery.transports.request import signing
from misp_workflow.effects import Json, Post


def address(post: Post, key: str) -> tuple[str, dict[str, str]]:
    """Return the URL, and the query that is to be added to it."""
    where, _, name = post.key_at.partition(":")
    if where == "path":
        return f"{post.url.rstrip('/')}/{quote(key, safe='')}", dict(post.query)
    return post.url, {**post.query, name: key} if where == "query" else dict(post.query)


def content_and_headers(post: Post, key: str) -> tuple[bytes | None, dict[str, str | bytes]]:
    """Return the body (None when there is none) and the headers that go with it."""
    content, content_type = _content(post, key)
    headers: dict[str, str | bytes] = {"Content-Type": content_type} if content_type else {}
    headers.update((name, _header_value(value)) for name, value in post.headers.items())
    if post.content_type and content is not None:
        headers["Content-Type"] = post.content_type
    if post.bearer:
        headers["Authorization"] = _header_value(f"Bearer {post.bearer}")
    where, _, name = post.key_at.partition(":")
    if where == "header":
        headers[name] = key
    if post.sign_with:
        headers.update(signing.headers(post.sign_with, key, int(time.time()), content or b""))
    if content or post.method != "GET":
        headers["Content-Length"] = str(len(content or b""))
    return content, headers


def _content(post: Post, key: str) -> tuple[bytes | None, str]:
    """Return the body's bytes and their content type."""
    if post.file:
        return _with_file(post)
    if post.json is not None:
        value = post.json
        where, _, name = post.key_at.partition(":")
        if where == "json" and isinstance(value, Mapping):
            value = {**value, name: key}
        return _json_bytes(value), "application/json"
    if post.form is not None:
        return urlencode(dict(post.form), errors="replace").encode(), "application/x-www-form-urlencoded"
    if post.body is not None:
        return post.body.encode("utf-8", "replace"), "text/plain; charset=utf-8"
    return None, ""


def _with_file(post: Post) -> tuple[bytes, str]:
    """Return a form with the file in it; no text can end its part, since nobody knows the boundary before."""
    file = post.file
    fields = dict(post.form or {}) if post.json is None else {file["json_in"]: _json_bytes(post.json).decode()}
    told = (file["name"], file["text"].encode("utf-8", "replace"), "text/plain; charset=utf-8")
    return encode_multipart_formdata({**fields, file["field"]: told})


def _json_bytes(value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # half of a surrogate pair, or an integer beyond 64 bits: JSON can say both
        return json.dumps(value).encode()


def _header_value(text: str) -> str | bytes:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
    return text
