"""The kind of effect that keeps one case at a tracker: looked for, made once, then kept up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from misp_workflow.effects.base import Json
from misp_workflow.effects.kinds import Post

Request = Mapping[str, Json]
"""One request of a step, which may have several, one after the other. It is {"method", "path", …}: fields of a `Post`,
which say what is sent and what is a yes, its address as `path` below the case's own. Besides:

    put     what is written into the request when its turn comes: {"json.issue.notes": "comment"}; "id" and "name" are
            the case's, "comment" is what the house has to say, "document" the same in Atlassian's document format,
            "addition" the same below an empty line, "before.PATH" what stood there in the answer before. "{id}" and
            "{name}" in the path are put there, too
    among   [path of a list, path in each item, text]: what counts of the answer is the first item that has the text
            there, by itself or among others; what is no list is its only item; "within": a path: what stands there
            counts
    missing the sentence when `among` finds nothing, which is a failure then
    facts   {dotted path: fact}, in `update`: that part is sent only when this fact (a name in `shows`) changed, "*"
            when anything did; a request of which nothing is left is not made
    told    dotted path of what the answer says in words, for the sentence when a later request finds it not done
    gone    {dotted path: value}: an answer that says so means that the case is not there any more, as 404 and 410 do
    there   words in a no, in `adds`, that mean it has the value already, which is a yes then
    wish    {dotted path: value}: what else should be so in the answer; what is not is told, and no failure
"""


@dataclass(frozen=True, kw_only=True)
class Case(Post):
    """One case about one MISP event at one tracker: a ticket, an issue, an alert, an incident.

    `url` and the other fields of a `Post` are the same for all requests; `json`, `form`, `body` stay empty. The steps:
    `look` finds the case at the tracker by what `create` has left there for it, each of its requests until one does;
    `found_at` is the dotted path of its id in the answer (nothing there: there is none), `id_at` the same for the first
    request of `create`. `update` changes title and fields, `comment` says `comment`, `close` ends the case, `reopen`
    takes that back; a step without requests does nothing. `adds` are requests by the uuid of an attribute, which put it
    into a case that is there already when it is new in the event: a no of these is told, and fails nothing. `name_at`
    is the dotted path of what people call the case, in both answers; without it, its id. `page` is its address for
    people, with "{id}" or "{name}". `lag` seconds may pass until `look` finds what `create` made.

    `event` is the uuid of the event, `scope` where at the tracker the case is ("queue General"): another scope has
    another case. `called` is what it is ("ticket"), `action` the module's name, which the house fills in.

    `shows` are the facts that the case shows, by name; `items` its attributes, each {"uuid", "type", "value", "to_ids"}
    and `gone` those that are not there any more, as far as the call knows. `whole`: the call knows all of the event.
    `goes` is why the case is not wanted any more ("deleted", "unpublished"), `back` whether the call says that it is
    wanted, if MISP said otherwise before; `opens` whether one is made where there is none. `style` is how text is
    written there. `at` is when the call came, in seconds since 1970: an older word that comes late changes nothing.

    `on_change`: "update" (title and fields, and a comment that says what changed), "comment" or "nothing";
    `on_withdraw` "comment", "close" (with a comment) or "nothing". `link_back`: "tag", "attribute" or "" (nothing),
    in the MISP that `misp` and `event_number` name as a `MispChange` has them.
    """

    kind: ClassVar[str] = "case"
    look: tuple[Request, ...]
    found_at: str
    create: tuple[Request, ...]
    id_at: str
    name_at: str = ""
    update: tuple[Request, ...] = ()
    adds: Mapping[str, tuple[Request, ...]] = field(default_factory=dict)
    comment: tuple[Request, ...] = ()
    close: tuple[Request, ...] = ()
    reopen: tuple[Request, ...] = ()
    page: str = ""
    lag: float = 0.0
    event: str
    scope: str = ""
    called: str = "case"
    action: str = ""
    shows: Mapping[str, str] = field(default_factory=dict)
    items: tuple[Mapping[str, Json], ...] = ()
    gone: tuple[Mapping[str, Json], ...] = ()
    whole: bool = False
    goes: str = ""
    back: bool = False
    opens: bool = True
    style: str = "plain"
    at: float
    on_change: Literal["update", "comment", "nothing"] = "update"
    on_withdraw: Literal["comment", "close", "nothing"] = "comment"
    link_back: Literal["", "tag", "attribute"] = ""
    misp: str = ""
    event_number: str = ""
