"""The kinds of effects: each is one way of doing something in the world, with a transport of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from misp_workflow import web_address
from misp_workflow.effects.base import Effect, Json

MOST_CONVERTED_IN_TIME = 512 * 1024
"""Characters of MISP's JSON, some thousand attributes: a second or two for misp-stix."""


@dataclass(frozen=True, kw_only=True)
class Post(Effect):
    """One HTTP request.

    Body: at most one of `json` (any JSON value), `form` (fields) and `body` (text, sent as UTF-8 with `content_type`).
    Success: `expect_status` (empty: any 2xx), every dotted path of `expect` in the JSON answer has the value given
    ({"ok": True}), those of `expect_fields` are there ("event_id"), and the whole answer is the text `expect_text`
    ("ok"); `refuse` holds values that make a failure of an answer that has them, for services that need not
    answer JSON ({"ok": False}). `error_at` is the dotted path of the vendor's own error text in the answer,
    or several with "|" between, of which the first that says something counts; when that text is in `retry_on` the same
    request may succeed later, otherwise such an answer is final.
    `sign_with` is a Standard Webhooks secret (whsec_… or any text); the three webhook-* headers are made at each try.
    `key_at` says where the effect's key travels: "" (nowhere), "path" (appended as the last segment of the URL's path),
    "header:NAME", "query:NAME" or "json:NAME" (a top-level member of `json`). `retry_after_at` is the dotted path of
    the seconds to wait in the JSON answer (milliseconds, when its name ends in "_ms"), for services that do not say it
    in the Retry-After header.
    With a `file` ({"field", "name", "text"}) the request is a form of several parts: `form`, or `json` as the one field
    that the file's "json_in" names, then the file as plain text.
    Posts of one `thread` belong together: what stands at the dotted path `thread_at` in the answer to the first becomes
    the member `thread_as` of the next ones' `json`; `thread_url` is where the first went, when this one goes elsewhere.
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
    file: Mapping[str, str] = field(default_factory=dict)
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
    thread_url: str = ""
    key_at: str = ""

    def place(self) -> str:
        """Return scheme, host and port of the address."""
        try:
            parts = urlsplit(self.url)
            return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
        except ValueError:
            return "an address that is none"

    def plain(self, **changes: Any) -> Post:
        """Return the request alone, without what a further kind says besides, and with these changes."""
        return Post(**{**{one.name: getattr(self, one.name) for one in fields(Post)}, **changes})


@dataclass(frozen=True, kw_only=True)
class Mail(Effect):
    """One e-mail to one recipient, through an SMTP server.

    `to` is the address in the envelope, which stands in the line that `line` names ("bcc": in none); `also_to` and `cc`
    are the others in the To and Cc lines, who get mails of their own. Without a subject, the text's first line is one.
    `thread` is what all mails about one thing have in common (an event's uuid): readers show them as a conversation.
    `headers` are more of them; none may be one that the mail has anyway. `encrypt` "required": to this recipient, or
    not at all; "if_possible": when there is a key; the settings' [mail] says where keys are, and with which to `sign`.
    `security`: "starttls" (required, never given up), "tls"
    from the first byte, or "none". `html` and `attachment` are left out when empty; an attachment is text, sent as
    UTF-8. The Message-ID is made from the key and the thread.
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
    line: Literal["to", "cc", "bcc"] = "to"
    also_to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    thread: str = ""
    encrypt: Literal["required", "if_possible", "no"] = "no"
    sign: bool = False
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
    url: str
    host: str = ""
    title: str = ""
    text: str

    @property
    def outbox_only(self) -> bool:
        """Yes, always."""
        return True

    def place(self) -> str:
        """Return the service, and the host where it has one of its own."""
        return f"{self.url.partition('://')[0]}://{self.host}".lower()


MISP_FOR_GATES = "MISP (for gates)"


@dataclass(frozen=True, kw_only=True)
class MispChange(Effect):
    """One change in the operator's own MISP; the settings say where that is and with which key, at each try.

    `change` is what to do: "tag", "edit", "mark", "event", "sighting", "note", "report", "link", "known_files",
    "enrich", "warninglist", "blocklist". `event` is the event's uuid, `items` are the attributes to change, each
    {"uuid", "type", "value"} and what else the change needs; none: the event itself. `values` are the change's own,
    see `delivery/changes`.
    `origin` tells the workflow node from others, so that a node that causes its own next call is found.
    `misp` is the MISP's name in the settings ("": [misp]), and `event_number` the event's number there, which proves
    that it is the right one of several.
    Whoever makes the change looks first: what is already so is left alone, so a repetition does no harm.
    """

    kind: ClassVar[str] = "misp"
    leaves: ClassVar[bool] = False
    change: str
    event: str = ""
    items: tuple[Mapping[str, Json], ...] = ()
    values: Mapping[str, Json] = field(default_factory=dict)
    origin: str = ""
    misp: str = ""
    event_number: str = ""

    def place(self) -> str:
        """Return "MISP", with its name; for what a gate says there a place of its own, which nothing else closes."""
        gate = not self.keep or "watch_until" in self.values
        return MISP_FOR_GATES if gate else f"MISP {self.misp}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Record(Effect):
    """One message on a stream. `address` is where ("tcp://127.0.0.1:50001"), `bind` whether we listen there or call.

    `frames` are the parts of the message, as text. `topic` is what subscribers choose by; it is in the frames already.
    With `stix` the only frame is an event as `Batch` has one in a body: it goes out as STIX, behind the topic.
    """

    kind: ClassVar[str] = "stream"
    address: str
    frames: tuple[str, ...]
    topic: str = ""
    bind: bool = True
    stix: bool = False

    def place(self) -> str:
        """Return the address."""
        return self.address

    @property
    def outbox_only(self) -> bool:
        """Whether there is more to be made STIX of than can be while MISP waits."""
        return self.stix and len(self.frames[0]) > MOST_CONVERTED_IN_TIME


@dataclass(frozen=True, kw_only=True)
class FileUpdate(Effect):
    """What one call says of a list that devices read; the settings of the destination say what the list is.

    `put` are the attributes to be listed, each {"uuid", "type", "value"}, `gone` the uuids of those that shall not be.
    `whole`: nothing else of the event `event` (its uuid) shall be listed. `at` is when the call came, in seconds since
    1970: of two calls about one attribute the later one counts, whichever arrives first.
    """

    kind: ClassVar[str] = "files"
    leaves: ClassVar[bool] = False  # the list itself knows what stands in it
    for_machines: ClassVar[bool] = True
    event: str
    put: tuple[Mapping[str, Json], ...] = ()
    gone: tuple[str, ...] = ()
    whole: bool = False
    at: float

    def place(self) -> str:
        """Return the list."""
        return f"list {self.destination}"


SCRIPTS_FOR_GATES = "scripts (for gates)"


@dataclass(frozen=True, kw_only=True)
class Command(Effect):
    """One run of a program of the operator's own, which gets `input` as JSON on its standard input.

    `script` is its name in the settings: they alone say which program that is, with which arguments, within which
    bounds. Nothing of an event ever stands on a command line.
    """

    kind: ClassVar[str] = "command"
    script: str
    input: Json

    def place(self) -> str:
        """Return the script; for all that gates ask a place of its own, which nothing else closes."""
        return f"script {self.script}" if self.keep else SCRIPTS_FOR_GATES


@dataclass(frozen=True, kw_only=True)
class Records(Effect):
    """Records for machines, each of which the other side may take or refuse.

    `options` are the system's or dialect's own. `event` is the uuid of the event, so that a record that another call
    has overtaken meanwhile is left out; with `moves`, a record may stand in another place (a topic, an index) than
    before, where it then is withdrawn.

    With `rest_of`, the uuid of an event, it has no records of its own: it withdraws each item of the event that the
    ledger knows to be there and that is not in `standing`; with `among`, those of these only. `at` is when the call
    came, in seconds since 1970: what was said, taken back and said again is not a repetition.

    With `stix` the bodies are MISP's and go out as STIX 2.1 (`delivery/stix`): {"Attribute": row} of the event whose
    head is `stix["event"]`, or a whole {"Event": …, "withdrawn": [uuids]}; a record with "withdrawn" true is revoked.
    `stix["only"]` "indicator": the indicator alone instead of a bundle; "report": of an event what no attribute brings.
    """

    batch: ClassVar[str] = "records"
    for_machines: ClassVar[bool] = True
    records: tuple[Mapping[str, Json], ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    at: float = 0.0
    event: str = ""
    moves: bool = False
    rest_of: str = ""
    standing: tuple[str, ...] = ()
    among: tuple[str, ...] = ()
    stix: Mapping[str, Json] = field(default_factory=dict)

    @property
    def outbox_only(self) -> bool:
        """Whether there is more to be made STIX of than can be while MISP waits."""
        return bool(self.stix) and sum(len(one["body"] or "") for one in self.records) > MOST_CONVERTED_IN_TIME


@dataclass(frozen=True, kw_only=True)
class Batch(Records):
    """Records for a message broker: `system` is "kafka", "amqp", "mqtt", "nats" or "redis", `address` where it is.

    A record is {"id", "topic", "key", "body", "headers"?}: `id` tells it from others (an attribute's uuid and the time
    of its state), `topic` is the topic, routing key, subject or stream, `key` the Kafka key, `body` text, or None for
    what is withdrawn: a tombstone. `options` are the system's own, see its file under `delivery/transports/streams`.
    """

    kind: ClassVar[str] = "records"
    system: str
    address: str
    username: str = ""
    password: str = ""
    verify_tls: bool = True
    ca_file: str = ""
    client_certificate: str = ""

    def place(self) -> str:
        """Return scheme, host and port of the broker."""
        return self.shown

    @property
    def shown(self) -> str:
        """The address without what may be a secret in it."""
        return web_address.shown(self.address)


@dataclass(frozen=True, kw_only=True)
class Bulk(Post, Records):
    """Records in one HTTP request, whose `json`, `form` and `body` stay empty.

    `dialect` is "elastic", "splunk" …, see its file under `delivery/transports/dialects`. `left_out` counts what of the
    call can be no record there, by reason; the receipt says it.
    """

    kind: ClassVar[str] = "bulk"
    dialect: str
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Messages(Post):
    """One message that is told in several, each when the one before has arrived.

    `messages` are the fields in which the post of each is another one ({"json": …}). What stands beside them says it in
    one: that goes when this is gathered with others, and then there are no `messages`.

    With `uploads` the service wants `file` before the messages. They are the requests that bring it, one after the
    other, each the fields in which its post is another one. Besides:

        take    {name: dotted path} of what the answer says and those after it need
        put     {dotted path: name}, in `messages`, too: what is written there when its turn comes: what was taken, or
                "content", the file's text, or "length", its bytes. An address must be the service's own, or below it
    """

    kind: ClassVar[str] = "messages"
    batch: ClassVar[str] = "messages"
    messages: tuple[Mapping[str, Json], ...] = ()
    uploads: tuple[Mapping[str, Json], ...] = ()

    def number(self) -> int:
        """Return how many messages it is."""
        return len(self.messages) or 1
