"""What becomes of a message that is longer than its place takes: its beginning, or several messages in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any

from misp_workflow.action.call import Call
from misp_workflow.delivery import guard
from misp_workflow.delivery.guard.sizes import FENCE, MARK, Unit, measure
from misp_workflow.effects import Json, Messages, Post

MOST = 10
"""Messages that one becomes; what does not fit into them is cut off."""

MOST_IN_FILE = 7_000_000
"""Bytes: Discord has taken no more than 8 MB in a whole request, and takes 10 today; all others take 50 or more."""

NO_FILE = "Parameter 'overflow': {service}'s webhook takes no file; set {wanted}, or choose split or cut."

HTML = ("html", "telegram")
"""Styles whose mark-up are tags."""
_NOT_IN_NAME = re.compile("[^0-9A-Za-z-]")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)[^<>]*>")
_ALONE = frozenset({"br", "hr", "img", "wbr"})
"""Tags that nothing closes."""

Open = tuple[str, ...]
"""The mark-up that is open at a place: HTML's tags as they are written, or one fence of Markdown."""


def parts(call: Call, style: str, limit: int, unit: Unit = "characters", calls: str = "") -> list[str]:
    """Return the messages that say together what `call.message` cuts; none when one is enough, or the node wants one.

    The parameters are those of `call.message`. Who is called by name stands in the first.
    """
    if call.params.overflow != "split":
        return []
    whole = call.message(style, calls=calls)
    if measure(whole, unit) <= limit:
        return []
    gap = "<br>\n" if style == "html" else "\n"
    end = f"{gap}{MARK}{call.note(style)}"
    beside = len(f"({MOST}/{MOST})") + len(gap) + measure(end, unit)
    found = list(islice(split(whole, limit - beside, unit, style), MOST + 1))
    if len(found) > MOST:
        found = [*found[: MOST - 1], found[MOST - 1] + end]
    return [f"({place}/{len(found)}){gap}{one}" for place, one in enumerate(found, 1)] if len(found) > 1 else []


def spread(
    post: Post,
    changes: Sequence[Mapping[str, Json]],
    headers: Callable[[Mapping[str, Json]], Mapping[str, str]] | None = None,
) -> Post:
    """Return the post, or one that is several messages: for each the members in which its content is another one.

    None takes a member out. `headers` makes those that depend on the content.
    """
    if not changes:
        return post
    where = "form" if post.json is None else "json"
    messages = []
    for change in changes:
        content = {name: one for name, one in {**getattr(post, where), **change}.items() if one is not None}
        messages.append({where: content, **({"headers": {**post.headers, **headers(content)}} if headers else {})})
    return _told(post, "messages", messages=tuple(messages))


def behind(
    post: Post, file: Mapping[str, str], uploads: Sequence[Mapping[str, Json]], *messages: Mapping[str, Json]
) -> Post:
    """Return the post, or with a file one whose messages follow it, for services that want the file before them.

    `uploads` and `messages` are those of `Messages`.
    """
    if not file:
        return post
    return _told(post, "messages", "uploads", "file", file=file, uploads=tuple(uploads), messages=messages)


def _told(post: Post, *left_out: str, **more: Any) -> Messages:
    """Return the post as messages; what is gathered with others is one of them, cut, and without these fields."""
    given: dict[str, Any] = {one.name: getattr(post, one.name) for one in fields(post)}
    return Messages(**{**given, **more, "digest": (*post.digest, *left_out) if post.digest else ()})


def file(call: Call, field: str, style: str, limit: int, unit: Unit = "characters", calls: str = "") -> dict[str, str]:
    """Return the whole message as a post's `file`; {} when it is not too long, or the node does not want one.

    `field` is its name in a form, "" where the file goes alone.
    """
    if call.params.overflow != "attach":
        return {}
    if measure(call.message(style, calls=calls), unit) <= limit:
        return {}
    told = call.without_markup(call.message(style), MOST_IN_FILE, "bytes") if style in HTML else call.message("plain")
    name = _NOT_IN_NAME.sub("", call.thread)
    about = "event-" if call.view.event.get("uuid") else ""
    return {"field": field, "name": f"{about}{name}.txt", "text": guard.cut(told, MOST_IN_FILE, "bytes")}


def split(text: str, room: int, unit: Unit, style: str) -> Iterator[str]:
    """Yield the text in pieces of at most `room`, which end where a line ends; a line that is longer is cut.

    What mark-up of several lines is open at the end of a piece is closed there, and opened again in the next.
    """
    html = style in HTML
    piece, size = "", 0
    begun: Open = ()  # what the piece opens again
    now: Open = ()  # what is open behind it
    for line in text.split("\n"):
        if not piece and not line.strip():
            continue
        after = _open_after(now, line, html)
        added = f"\n{line}" if piece else _opening(begun, html) + line
        size += measure(added, unit)
        if size + measure(_closing(after, html), unit) <= room:
            piece, now = piece + added, after
            continue
        if piece:
            yield piece + _closing(now, html)
        begun = now
        piece = _opening(begun, html) + line
        size = measure(piece, unit)
        now = after
        if size + measure(_closing(after, html), unit) > room:
            yield _cut_line(begun, line, room, unit, html)
            piece, size, begun = "", 0, after
    if piece:
        yield piece + _closing(now, html)


def _cut_line(begun: Open, line: str, room: int, unit: Unit, html: bool) -> str:
    """Return as much of a line as fits, without the tags in it."""
    opening = _opening(begun, html)
    beside = measure(opening + _closing(begun or (() if html else (FENCE,)), html), unit)
    shown = guard.cut(_TAG.sub("", line) if html else line, room - beside, unit)
    return opening + shown + _closing(_open_after(begun, shown, html), html)


def _open_after(before: Open, line: str, html: bool) -> Open:
    if not html:
        odd = line.count(FENCE) % 2
        return before if not odd else () if before else (FENCE,)
    opened = list(before)
    for tag in _TAG.finditer(line):
        closes, name = tag[1], tag[2].lower()
        if not closes:
            opened += [] if name in _ALONE or tag[0].endswith("/>") else [tag[0]]
        elif (last := next((place for place in reversed(range(len(opened))) if _name(opened[place]) == name), -1)) >= 0:
            del opened[last]
    return tuple(opened)


def _opening(opened: Open, html: bool) -> str:
    return "".join(opened) if html or not opened else f"{FENCE}\n"


def _closing(opened: Open, html: bool) -> str:
    if not html:
        return f"\n{FENCE}" if opened else ""
    return "".join(f"</{_name(tag)}>" for tag in reversed(opened))


def _name(tag: str) -> str:
    found = _TAG.match(tag)
    return found[2].lower() if found else ""
