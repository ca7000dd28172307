"""Effects and receipts: what should happen in the world, and what became of it.

An effect is a frozen plain value: no open file, no function, nothing that JSON cannot hold. So it can wait on a disk,
be tried again by another process, be shown with its secrets masked. Whoever adds a kind adds a transport of the same
name under `delivery/transports/`.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

Json = Any
"""A value that JSON can hold: None, bool, int, float, str, list of Json, dict of str to Json."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One thing to do.

    `label` is what a person reads ("Slack message to #soc"); it never holds a secret. `service` is what sentences call
    the other side ("Slack"; empty: its host). `destination` is the name in the operator's settings, or "" when the node
    itself says where to. `secrets` lists every secret value in this effect, so that whatever is said, logged or shown
    can mask them.

    `digest` is for messages to people: where the message's text stands ("json.text"), then what to leave out when many
    are gathered into one ("json.blocks"). `digest_limit` is the most characters that such a gathered text may have.
    Empty: this effect is never gathered with others. `outbox_only` says of a kind that nobody may wait for it.
    `keep` false: now or never; no outbox keeps it for later, because done later it would do harm (a gate's approval).
    """

    kind: ClassVar[str]
    outbox_only: ClassVar[bool] = False
    label: str = ""
    service: str = ""
    destination: str = ""
    secrets: tuple[str, ...] = ()
    digest: tuple[str, ...] = ()
    digest_limit: int = 3000
    keep: bool = True

    def place(self) -> str:
        """Return what tells this effect's other side from others, without a secret: one ill, all to it wait."""
        return self.kind


@dataclass(frozen=True, kw_only=True)
class Post(Effect):
    """One HTTP request.

    Body: at most one of `json` (any JSON value), `form` (fields) and `body` (text, sent as UTF-8 with `content_type`).
    Success: `expect_status` (empty: any 2xx), every dotted path of `expect` in the JSON answer has the value given
    ({"ok": True}), those of `expect_fields` are there ("event_id"), and the whole answer is the text `expect_text`
    ("ok"); `refuse` holds values that make a failure of an answer that has them, for services that need not
    answer JSON ({"ok": False}). `error_at` is the dotted path of the vendor's own error text in the answer;
    when that text is in `retry_on` the same request may succeed later, otherwise such an answer is final.
    `sign_with` is a Standard Webhooks secret (whsec_… or any text); the three webhook-* headers are made at each try.
    `key_at` says where the effect's key travels: "" (nowhere), "path" (appended as the last segment of the URL's path),
    "header:NAME", "query:NAME" or "json:NAME" (a top-level member of `json`). `retry_after_at` is the dotted path of
    the seconds to wait in the JSON answer, for services that do not say it in the Retry-After header.
    Posts of one `thread` belong together: what stands at the dotted path `thread_at` in the answer to the first becomes
    the member `thread_as` of the next ones' `json`.
    """

    kind: ClassVar[str] = "post"
    url: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    bearer: str = ""
    basic: tuple[str, str] | None = None
    json: Json = None
    form: Mapping[str, str] | None = None
    body: str | None = None
    content_type: str = ""
    sign_with: str = ""
    verify_tls: bool = True
    ca_file: str = ""
    client_certificate: str = ""
    expect_status: tuple[int, ...] = ()
    expect: Mapping[str, Json] = field(default_factory=dict)
    expect_fields: tuple[str, ...] = ()
    expect_text: str = ""
    refuse: Mapping[str, Json] = field(default_factory=dict)
    error_at: str = ""
    retry_on: tuple[str, ...] = ()
    retry_after_at: str = ""
    thread: str = ""
    thread_at: str = ""
    thread_as: str = ""
    key_at: str = ""

    def place(self) -> str:
        """Return scheme, host and port of the address."""
        try:
            parts = urlsplit(self.url)
            return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
        except ValueError:
            return "an address that is none"


@dataclass(frozen=True, kw_only=True)
class Mail(Effect):
    """One e-mail to one recipient, through an SMTP server.

    `to` is the address in the envelope; `also_to` are the others that the message's To line names, who get mails of
    their own. Without a subject, the text's first line is one. `security`: "starttls" (required, never given up), "tls"
    from the first byte, or "none". `html` and `attachment` are left out when empty; an attachment is text, sent as
    UTF-8. The Message-ID is made from the key.
    """

    kind: ClassVar[str] = "mail"
    server: str
    port: int
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: str = ""
    verify_tls: bool = True
    ca_file: str = ""
    sender: str
    to: str
    also_to: tuple[str, ...] = ()
    subject: str = ""
    text: str
    html: str = ""
    attachment: str = ""
    attachment_name: str = ""
    attachment_type: str = "application/json"

    def place(self) -> str:
        """Return the server and its port."""
        return f"smtp://{self.server}:{self.port}".lower()


@dataclass(frozen=True, kw_only=True)
class Notification(Effect):
    """One message through the apprise library; `url` is apprise's address of the service, credentials included.

    `host` is the server that such an address names, for services that people run themselves. It goes through the outbox
    only: the library knows no deadline that holds.
    """

    kind: ClassVar[str] = "notification"
    outbox_only: ClassVar[bool] = True
    url: str
    host: str = ""
    title: str = ""
    text: str

    def place(self) -> str:
        """Return the service, and the host where it has one of its own."""
        return f"{self.url.partition('://')[0]}://{self.host}".lower()


MISP_FOR_GATES = "MISP (for gates)"


@dataclass(frozen=True, kw_only=True)
class MispChange(Effect):
    """One change in the operator's own MISP; the settings say where that is and with which key, at each try.

    `change` is what to do: "tag", "edit", "event", "sighting", "note", "report", "known_files", "enrich",
    "warninglist", "blocklist". `event` is the event's uuid, `items` are the attributes to change, each {"uuid",
    "type", "value"} and what else the change needs; none: the event itself. `values` are the change's own, see
    `delivery/changes`.
    `origin` tells the workflow node from others, so that a node that causes its own next call is found.
    Whoever makes the change looks first: what is already so is left alone, so a repetition does no harm.
    """

    kind: ClassVar[str] = "misp"
    change: str
    event: str = ""
    items: tuple[Mapping[str, Json], ...] = ()
    values: Mapping[str, Json] = field(default_factory=dict)
    origin: str = ""

    def place(self) -> str:
        """Return "MISP", and for what a gate says there a place of its own, which nothing else closes."""
        return MISP_FOR_GATES if not self.keep or "watch_until" in self.values else "MISP"


@dataclass(frozen=True, kw_only=True)
class Record(Effect):
    """One message on a stream. `address` is where ("tcp://127.0.0.1:50001"), `bind` whether we listen there or call.

    `frames` are the parts of the message, as text. `topic` is what subscribers choose by; it is in the frames already.
    """

    kind: ClassVar[str] = "stream"
    address: str
    frames: tuple[str, ...]
    topic: str = ""
    bind: bool = True

    def place(self) -> str:
        """Return the address."""
        return self.address


@dataclass(frozen=True, kw_only=True)
class FileUpdate(Effect):
    """What one call says of a list that devices read; the settings of the destination say what the list is.

    `put` are the attributes to be listed, each {"uuid", "type", "value"}, `gone` the uuids of those that shall not be.
    `whole`: nothing else of the event `event` (its uuid) shall be listed. `at` is when the call came, in seconds since
    1970: of two calls about one attribute the later one counts, whichever arrives first.
    """

    kind: ClassVar[str] = "files"
    event: str
    put: tuple[Mapping[str, Json], ...] = ()
    gone: tuple[str, ...] = ()
    whole: bool = False
    at: float

    def place(self) -> str:
        """Return the list."""
        return f"list {self.destination}"


AnyEffect = TypeVar("AnyEffect", bound=Effect)

_KINDS = (Post, Mail, Notification, MispChange, Record, FileUpdate)
KINDS: dict[str, type[Effect]] = {kind.kind: kind for kind in _KINDS}


def addressed(effect: AnyEffect, label: str, destination: str, secrets: tuple[str, ...]) -> AnyEffect:
    """Return the effect with these; as `dataclasses.replace` would, without asking for every other field."""
    made = object.__new__(type(effect))
    vars(made).update(vars(effect), label=label, destination=destination, secrets=secrets)
    return made


def to_json(effect: Effect) -> dict[str, Json]:
    """Return the effect as a plain dict, its kind under "kind"; fields that hold their default are left out."""
    given = ((name, getattr(effect, name), default) for name, default in _defaults(effect.kind))
    return {"kind": effect.kind, **{name: value for name, value, default in given if value != default}}


def from_json(values: Mapping[str, Json]) -> Effect:
    """Return the effect that `to_json` made `values` of; KeyError or TypeError when it is of no known kind."""
    given: dict[str, Any] = {name: value for name, value in values.items() if name != "kind"}
    for name in _tuples(values["kind"]) & given.keys():
        given[name] = None if given[name] is None else tuple(given[name])
    return KINDS[values["kind"]](**given)


@cache
def _defaults(kind: str) -> list[tuple[str, Any]]:
    """Return the fields of a kind of effect, each with the value that goes without saying."""
    made = ((item, item.default_factory) for item in dataclasses.fields(KINDS[kind]))
    return [(item.name, item.default if make is dataclasses.MISSING else make()) for item, make in made]


@cache
def _tuples(kind: str) -> frozenset[str]:
    """Return the fields of a kind of effect that JSON has as lists."""
    return frozenset(item.name for item in dataclasses.fields(KINDS[kind]) if str(item.type).startswith("tuple"))


def masked(effect: Effect) -> dict[str, Json]:
    """Return `to_json(effect)` for people's eyes: every secret value, wherever it stands, is "***"."""

    shown = to_json(effect)
    shown.pop("secrets", None)
    return {name: _hidden(value, effect.secrets) for name, value in shown.items()}


def _hidden(value: Json, secrets: tuple[str, ...]) -> Json:
    if isinstance(value, str):
        return mask(value, secrets)
    if isinstance(value, Mapping):
        return {_hidden(key, secrets): _hidden(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(item, secrets) for item in value]
    return value


def mask(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with every secret replaced by "***", also as JSON, HTML or an address writes it."""
    for spelling in _spellings(tuple(secrets)):
        text = text.replace(spelling, "***")
    return text


@lru_cache(maxsize=128)
def _spellings(secrets: tuple[str, ...]) -> list[str]:
    """Return the secrets in all their spellings, the longest first."""
    found = {spelling for secret in secrets if secret for spelling in _spellings_of(secret)}
    return sorted(found, key=len, reverse=True)


def _spellings_of(secret: str) -> set[str]:
    """Return the ways in which another side, or a library, writes a text that it quotes."""
    if _PLAIN.fullmatch(secret) or len(secret) > _LONGEST_SPELT:
        return {secret}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    escaped |= {one.replace("/", "\\/") for one in escaped}  # as PHP writes JSON; the next one as Go does
    escaped |= {re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", one) for one in escaped}
    escaped |= {json.dumps(one)[1:-1] for one in escaped}  # JSON in JSON
    percent = {quote(secret, safe=safe, errors="replace") for safe in ("", "/", _URL_MARKS, f"{_URL_MARKS}%")}
    percent.add(quote_plus(secret, errors="replace"))
    percent |= {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), one) for one in percent}
    marked = {html.escape(secret), html.escape(secret, quote=False), html.escape(secret).replace("&#x27;", "&#39;")}
    marked |= {one.replace("&quot;", "&#34;") for one in marked}
    misread = secret.encode("utf-8", "replace").decode("latin-1")
    return {secret, misread, *escaped, *percent, *marked}


_LONGEST_SPELT = 4096
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_URL_MARKS = "!#$&'()*+,/:;=?@[]~"
"""What requests leaves as it is in an address."""


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """An effect on its way: what the outbox keeps.

    `key` tells equal effects apart from others: from the content, the action, the event's uuid and timestamp.
    `action` is the module's name, `event` the event's uuid or "", `created` seconds since 1970.
    """

    key: str
    effect: Effect
    action: str
    event: str = ""
    created: float


Status = Literal["delivered", "queued", "skipped", "refused", "dry-run"]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of an effect. `detail` is one plain sentence without a secret.

    `unsure`: it was refused for want of an answer, so that it may have happened all the same.
    """

    status: Status
    detail: str
    key: str = ""
    unsure: bool = False

    @property
    def accepted(self) -> bool:
        """Whether MISP may hear success."""
        return self.status != "refused"


@dataclass(frozen=True)
class Pass:
    """A gate's yes; `effects` is what must happen first, `undo` what shall happen when it does not: then it is a no.

    `notes` are sentences for people, such as rules that only warn.
    """

    effects: tuple[Effect, ...] = ()
    undo: tuple[Effect, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A gate's no, with every reason."""

    reasons: tuple[str, ...]


Verdict = Pass | Block
