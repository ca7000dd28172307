"""Event text that nobody should trust, through every action: whoever receives it, receives text.

What must hold is told by comparison: the same calls with harmless text say which headers, keys, parameters and parts
there are, and hostile text may add none. The corpus is the templates' own (tests/template/hostile.json).
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hostile_corpus import hostile_texts
from leaks_kit import ACTION_FILES, World, Written, ask, settle, templates, written
from style_readers import LIVE_LINK, MENTION

from misp_workflow.delivery import deliver
from misp_workflow.testing import Received
from misp_workflow.testing.contract import ActionFile, trouble_with

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")

PRODUCT = "{{ 31337*7 }}"  # 219359
HALVES = tuple(text for text in hostile_texts(largest=10_000).values() if re.search("[\ud800-\udfff]", text))
"""Texts with half a character: no JSON reader takes them, misp-modules' own neither."""
CORPUS = tuple(text for text in hostile_texts(largest=10_000).values() if text not in HALVES)
ALONE = (*CORPUS, PRODUCT, "a\r\nX-Evil: 1", 'x", "evil": "', "\r\nBcc: evil@evil.example")
TEXTS = tuple(itertools.chain.from_iterable((PRODUCT, *ALONE[at : at + 4]) for at in range(0, len(ALONE), 4)))
"""All of them, with the template so often that it comes to every place."""
LARGE = tuple(text for text in hostile_texts().values() if len(text) > 10_000)
HARMLESS = tuple(f"harmless words {number}" for number in ("one", "two", "three", "four", "five"))
WRITTEN = {"info", "value", "comment", "name", "title", "change", "contents", "content", "email", "org", "source"}
WRITTEN |= {"event_creator_email", "object_relation", "description"}
"""Members of MISP's data that somebody writes."""
BODIES = (
    "event-publish",
    "event-before-save",
    "attribute-after-save",
    "user-after-save",
    "log-after-save",
    "post-after-save",
    "shadow-attribute-after-save",
    "event-report-after-save",
    "variant-filter-second-only",
)
EVERYTHING = (
    "{{ event.info }} | {{ kind }} | {{ summary.title }} | {% for row in attributes %}{{ row.value }} {{ row.comment }} "
    "{% endfor %}{{ tags|join(' ') }} {{ user.email|default('') }} {{ log.title|default('') }} {{ log.change|default('') }}"
)


def rewritten(value: Any, texts: Iterator[str], key: str = "") -> Any:
    """Return the data with the next text for each member that somebody writes."""
    if isinstance(value, dict):
        return {name: rewritten(item, texts, name) for name, item in value.items()}
    if isinstance(value, list):
        return [rewritten(item, texts, key) for item in value]
    return next(texts) if isinstance(value, str) and key in WRITTEN else value


def with_texts(body: Mapping[str, Any], texts: Iterable[str]) -> dict[str, Any]:
    """Return the captured body with these texts in it, over and over."""
    running = itertools.cycle(texts)
    selected = {name: rewritten(body[name], running) for name in ("filteredItems",) if name in body}
    return {"data": rewritten(body["data"], running), **selected}


def variants(action: ActionFile, url: str) -> Iterator[dict[str, str]]:
    """Yield parameters: the default message, with each attachment; then templates of event text in every one."""
    attachments = action.params.get("attachment", {}).get("choices", [""])
    for attachment in attachments:
        yield {"selected_or_all": "all", "attachment": attachment}
    more = templates(action, EVERYTHING)
    for name, spec in action.params.items():
        if spec.get("template") and spec.get("format") == "url":
            more[name] = f"{url}/hook/x{{{{ event.info|default('') }}}}/y?q={{{{ event.info|default('') }}}}&z=1"
    if "content_type" in action.params:
        yield {
            **more,
            "selected_or_all": "all",
            "body": f'{{"text": "{EVERYTHING}"}}',
            "content_type": "application/json",
        }
        yield {
            **more,
            "selected_or_all": "all",
            "body": f"a={EVERYTHING}&b=1",
            "content_type": "application/x-www-form-urlencoded",
        }
        yield {**more, "selected_or_all": "all", "body": f"<p>{EVERYTHING}</p>", "content_type": "text/html"}
    yield {**more, "selected_or_all": "all"}


# --- what was received, as a machine reads it -------------------------------------------------------------------------


@dataclass
class Shapes:
    """What came: the names of headers, keys, parameters and parts, and apart from them the texts.

    `quiet` are texts where the place mentions nobody, `data` what is attached for programs.
    """

    heads: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    quiet: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)

    @property
    def all_texts(self) -> list[str]:
        return [*self.texts, *self.quiet, *self.data]

    def beyond(self, known: Shapes) -> set[str]:
        """Return what there is here and not among the known ones."""
        return (self.heads - known.heads) | (self.keys - known.keys) | (self.parts - known.parts)


def shapes_of(world: World) -> Shapes:
    found = Shapes()
    for request in (*world.receiver.requests, *world.misp.requests):
        _read_head(request, found)
        _read_body(request, found)
    for mail in world.mails():
        found.parts.add(f"to {mail.sender} {mail.recipients}")
        _read_mail(mail.message, found)
    for content in world.streamed():
        _read_json(json.loads(content.decode().partition(" ")[2]), found)
    return found


def _read_head(request: Received, found: Shapes) -> None:
    lines = request.head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    assert re.fullmatch(r"[A-Z]+ /[!-~]* HTTP/1\.1", lines[0]), lines[0][:200]
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        assert colon and re.fullmatch(r"[A-Za-z0-9-]+", name), f"no header: {line[:100]!r}"
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value), f"control characters in {line[:100]!r}"
        found.heads.add(name.lower())
    found.heads.add(f"host {request.header('Host')}")
    path = re.sub(r"[0-9a-f]{32}|[0-9a-f-]{36}|\d+|/x[^/]*/y", "*", request.path)
    found.parts.add(f"{request.method} {path}")
    found.keys |= {f"query {name}" for name, _ in parse_qsl(urlsplit(request.target).query, keep_blank_values=True)}


def _read_body(request: Received, found: Shapes) -> None:
    kind = (request.header("Content-Type") or "").partition(";")[0]
    text = request.body.decode()
    if kind in ("application/json", "application/x-ndjson") and text:
        for value in _values(text):
            _read_json(value, found)
    elif kind == "application/x-www-form-urlencoded":
        fields = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
        found.keys |= {f"field {name}" for name, _ in fields}
        found.quiet += [value for name, value in fields if name == "topic"]  # Zulip's
        found.texts += [value for name, value in fields if name != "topic"]
    else:
        found.texts.append(text)
        found.parts.update(_tags(text) if kind == "text/html" else ())


def _values(text: str) -> list[Any]:
    """Return the JSON values of a body: one, or one in each line, as Splunk and Elasticsearch take them."""
    lines = text.splitlines()
    return (
        [json.loads(text)]
        if len(lines) < 2 or text[:2] == "{\n"
        else [json.loads(line) for line in text.split("\n") if line]
    )


def _read_json(value: Any, found: Shapes) -> None:
    if isinstance(value, dict):
        found.keys |= set(value)
        marked_up = {"format": "formatted_body", "parse_mode": "text"}  # Matrix', Telegram's
        found.parts.update(
            *(_tags(value[text]) for name, text in marked_up.items() if "html" in str(value.get(name)).lower())
        )
        quiet = {"text"} if value.get("type") == "plain_text" else set()  # Slack's
        quiet |= {"body", "formatted_body"} if value.get("m.mentions") == {} else set()  # Matrix'
        found.quiet += [value[name] for name in quiet & value.keys()]
        for item in [item for name, item in value.items() if name not in quiet]:
            _read_json(item, found)
    elif isinstance(value, list):
        for item in value:
            _read_json(item, found)
    elif isinstance(value, str):
        found.texts.append(value)


def _tags(text: str) -> list[str]:
    """Return the beginnings of the HTML tags and comments in the text."""
    return re.findall(r"</?[a-zA-Z!][^>]{0,20}>?", text)


def _read_mail(message: EmailMessage, found: Shapes) -> None:
    assert message.defects == []
    for name, value in message.items():
        assert not re.search(r"[\r\n\x00]", str(value)), f"{name} has more than one line"
        found.heads.add(name.lower())
    for part in message.walk():
        found.parts.add(f"{part.get_content_type()} {part.get_filename()}")
        if part.is_multipart():
            continue
        text = part.get_payload(decode=True).decode()
        (found.data if part.get_filename() else found.quiet).append(text)
        if part.get_content_type() == "text/csv":
            _read_csv(text)
        elif part.get_content_type() == "application/json":
            attached = Shapes()
            _read_json(json.loads(text), attached)
            found.keys |= attached.keys
        elif part.get_content_type() == "text/html":
            found.parts.update(_tags(text))


def _read_csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}, "a cell ended too early"
    for cell in itertools.chain(*rows):
        assert not re.match(r"\s*[=+\-@＝＋－＠]", cell) or re.fullmatch(r"[+-]?\d+(\.\d+)?", cell), (
            f"a formula: {cell[:60]!r}"
        )


# --- the tests --------------------------------------------------------------------------------------------------------


STEP = 23
"""A body has at least so many places for text."""


Bodies = list[tuple[str, Written]]


def bodies_of(captures: dict[str, Any], texts: tuple[str, ...]) -> Bodies:
    """Return each body, and so often a whole event that each text has its place there."""
    starts = [("event-publish", start) for start in range(0, len(texts), STEP)]
    starts += [(name, place * 11 % len(texts)) for place, name in enumerate(BODIES)]
    return [(name, written(with_texts(captures[name], texts[start:] + texts[:start]))) for name, start in starts]


@pytest.fixture(scope="session")
def harmless(captures: dict[str, Any]) -> Bodies:
    return bodies_of(captures, HARMLESS)


@pytest.fixture(scope="session")
def hostile(captures: dict[str, Any]) -> Bodies:
    return bodies_of(captures, TEXTS)


@pytest.fixture(scope="session")
def titles(captures: dict[str, Any]) -> list[Written]:
    """Each text once as the title of the default message."""
    return [
        written(with_texts(captures["attribute-after-save"], ALONE[number:] + ALONE[:number]))
        for number in range(len(ALONE))
    ]


def tell(action: ActionFile, bodies: Bodies, params: dict[str, str]) -> None:
    for name, body in bodies:
        trouble = trouble_with(ask(action, body, params))
        assert trouble == "", (name, trouble)


@pytest.fixture
def forget(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Begin with an empty outbox, and without the marks that end loops of changes in MISP."""

    def begin() -> None:
        settle()
        deliver.stop()
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path_factory.mktemp("state")))

    return begin


@pytest.fixture
def calm(world: World, action: ActionFile, harmless: Bodies, forget: Callable[[], None]) -> Shapes:
    """What comes when all texts are harmless."""
    for more in variants(action, world.receiver.url):
        tell(action, harmless, world.params(action, **more))
    forget()
    found = shapes_of(world)
    world.clear()
    return found


LOOKED_FOR = {"GET /analyst_data/view/Note/*"}
"""A note that MISP has already (two texts may become one) is looked for under its uuid, which is ours."""


def test_hostile_text_arrives_as_text(
    calm: Shapes,
    action: ActionFile,
    world: World,
    hostile: Bodies,
    titles: list[Written],
    forget: Callable[[], None],
):
    for more in variants(action, world.receiver.url):
        tell(action, hostile, world.params(action, **more))
        forget()
    if "message" in action.params:
        for body in titles:
            assert trouble_with(ask(action, body, world.params(action))) == ""
    settle()
    found = shapes_of(world)
    assert found.beyond(calm) - LOOKED_FOR == set()
    assert not [text for text in found.all_texts if "219359" in text], "a template in event text was rendered"
    if any(HARMLESS[0] in text for text in calm.all_texts):
        assert [text for text in found.all_texts if "31337" in text], "the hostile text did not even arrive"
    if "message" in action.params:
        check_people_are_safe(action, world, found, calm)


MENTION_NOBODY = {"pagerduty_event", "misp_report"}
"""Actions whose other side knows no mentions."""


def check_people_are_safe(action: ActionFile, world: World, found: Shapes, calm: Shapes) -> None:
    """Nobody is mentioned, nothing can be clicked but the link to the event in the operator's own MISP."""
    constants = set(calm.all_texts)
    for text in {*found.texts, *found.quiet} - constants:
        shown = text.replace(world.misp.url, "")
        link = LIVE_LINK.search(shown)
        assert not link, f"a live link: {shown[max(link.start() - 60, 0) : link.end() + 60]!r}"
    for text in set(found.texts) - constants if action.name not in MENTION_NOBODY else ():
        shown = text.replace("\\", "")
        mention = MENTION.search(shown)
        assert not mention, f"a mention: {shown[max(mention.start() - 60, 0) : mention.end() + 60]!r}"


def test_machines_get_every_character(world: World, captures: dict[str, Any]):
    """What carries data for programs changes nothing of it."""
    action = ActionFile.load(next(path for path in ACTION_FILES if path.stem == "http_request"))
    ask(action, with_texts(captures["event-publish"], TEXTS), world.params(action, selected_or_all="all"))
    (request,) = world.receiver.requests
    found = Shapes()
    _read_json(request.json(), found)
    assert len(set(CORPUS) & set(found.texts)) > 80 and len(found.texts) > len(CORPUS)


LARGE_ENOUGH = 300_000
"""Characters that are more than any text takes; what a mail has attached may be longer (tests/action/test_attachments.py)."""


def large_body(captures: dict[str, Any], text: str) -> dict[str, Any]:
    return with_texts(captures["attribute-after-save"], [text, "small", "small"])


@pytest.fixture(scope="session")
def large(captures: dict[str, Any]) -> list[Written]:
    """Bodies with large texts in them, each in a length that costs little, and with half characters."""
    texts = (*(text[:LARGE_ENOUGH] for text in LARGE), *HALVES)
    return [written(large_body(captures, text)) for text in texts]


def test_large_text_is_cut_or_refused(action: ActionFile, world: World, large: list[Written], captures: dict[str, Any]):
    """Each text in a length that costs little, and one whole: another one for each action."""
    plain, telling = world.params(action), world.params(action, **templates(action, EVERYTHING))
    for number, body in enumerate(large):
        said = ask(action, body, telling if number % 2 else plain)
        assert trouble_with(said) == "", said
    whole = LARGE[ACTION_FILES.index(action.path) % len(LARGE)]
    request = {**large_body(captures, whole), "module": action.name, "params": telling if len(large) % 2 else plain}
    said = action.module.dict_handler(request=request)  # as the server hands it over once it has read it
    assert trouble_with(said) == "", said
    settle()
    largest = max((len(content) for _, content in world.arrived()), default=0)
    assert largest < 3 * max(LARGE_ENOUGH, len(whole.encode()))
