"""Whom a message calls by name, written as each product reads it.

The node names them (`fields.MENTION`); event text calls nobody, and no template can.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import NamedTuple, Protocol

from misp_workflow.action.params import Params
from misp_workflow.errors import ParameterError
from misp_workflow.event import THREAT_LEVELS, View, number

LEVELS = ("high", "medium", "low")
"""The values of `mention_when` that are threat levels, the worst first: one stands for itself and what is worse."""


class Call(Protocol):
    """What is read of a call."""

    params: Params

    @property
    def view(self) -> View:
        """What reads the data."""

    def holds(self, name: str) -> bool:
        """Return whether the parameter `name`, a Jinja expression, is true of this call."""


class Place(NamedTuple):
    """How a product calls people: words for many at once, and patterns of names with what they become."""

    words: Mapping[str, str]
    forms: Mapping[str, str]
    asked: str
    """What a name must be, for who wrote another one."""


PLACES = {
    # https://docs.slack.dev/messaging/formatting-message-text#mentioning-users
    "Slack": Place(
        {"here": "<!here>", "channel": "<!channel>", "all": "<!channel>", "everyone": "<!everyone>"},
        {"([UW][A-Z0-9]{2,30})": r"<@\1>", "(S[A-Z0-9]{2,30})": r"<!subteam^\1>"},
        "a member's id (U0123ABC), a user group's (S0123ABC), here, channel or everyone",
    ),
    # https://docs.mattermost.com/end-user-guide/collaborate/mention-people.html
    "Mattermost": Place(
        {"here": "@here", "channel": "@channel", "all": "@all"},
        {"@?([a-z0-9][a-z0-9._-]{0,63})": r"@\1"},
        "a username, a group's name, here, channel or all",
    ),
    # https://docs.rocket.chat/docs/mentions
    "Rocket.Chat": Place(
        {"here": "@here", "all": "@all"},
        {"@?([0-9A-Za-z][0-9A-Za-z._-]{0,63})": r"@\1"},
        "a username, a team's name, here or all",
    ),
    # https://developers.google.com/workspace/chat/format-messages#messages-@mention
    "Google Chat": Place(
        {"all": "<users/all>"},
        {"(?:users/)?([0-9]{3,30})": r"<users/\1>"},
        "a user's number (of users/123…) or all",
    ),
    # https://zulip.com/help/mention-a-user-or-group
    "Zulip": Place(
        {"all": "@**all**", "channel": "@**channel**", "topic": "@**topic**"},
        {r"group:([^*@|`\n]{1,100})": r"@*\1*", r"([^*@|`:\n]{1,100}(?:\|[0-9]{1,12})?)": r"@**\1**"},
        "a full name (or name|id), group:NAME, topic, channel or all",
    ),
    # https://developer.webex.com/docs/basics#formatting-messages
    "Webex": Place(
        {"all": "<@all>"},
        {
            r"([^\s<>@|:]{1,64}@[0-9A-Za-z.-]{1,253})": r"<@personEmail:\1>",
            "([0-9A-Za-z_-]{20,200}={0,2})": r"<@personId:\1>",
        },
        "an e-mail address, a person's id or all",
    ),
    # https://core.telegram.org/bots/api#html-style
    "Telegram": Place(
        {},
        {"@?([A-Za-z][A-Za-z0-9_]{3,31})": r"@\1", "([0-9]{3,20})": r'<a href="tg://user?id=\1">\1</a>'},
        "a @username, or the number of a user",
    ),
    # https://docs.discord.com/developers/reference#message-formatting
    "Discord": Place(
        {"here": "@here", "everyone": "@everyone", "all": "@everyone"},
        {"([0-9]{15,21})": r"<@\1>", "role:([0-9]{15,21})": r"<@&\1>"},
        "a user's id (15 digits or more), role:ID, here or everyone",
    ),
    # https://spec.matrix.org/latest/client-server-api/#user-and-room-mentions
    "Matrix": Place(
        {"here": "@room", "room": "@room", "all": "@room"},
        {r"(@[0-9a-z._=/+-]{1,200}:[0-9A-Za-z.:\[\]-]{1,253})": r"\1"},
        "a user's id (@name:server) or room",
    ),
    # https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format
    "Teams": Place(
        {},
        {r"([^\s<>@|:]{1,64}@[0-9A-Za-z.-]{1,253})": r"\1", "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})": r"\1"},
        "a user's sign-in address (name@company) or object id",
    ),
}


def called(call: Call, product: str) -> tuple[str, ...]:
    """Return whom this message calls, each as the product writes it, () when it is not the time for it.

    Raises ParameterError for a name that the product could not understand, whether it is the time or not.
    """
    names = [_written(name, product) for name in getattr(call.params, "mention", ())]
    return tuple(dict.fromkeys(names)) if names and _is_time(call) else ()


def line(call: Call, product: str) -> str:
    """Return the same as one text that stands before a message; "" when nobody is called."""
    return " ".join(called(call, product))


def html_line(names: tuple[str, ...]) -> str:
    """Return Matrix' names as its clients show them: links to those who are called."""
    return " ".join(
        f'<a href="https://matrix.to/#/{escape(name)}">{escape(name)}</a>' if ":" in name else name for name in names
    )


def _written(name: str, product: str) -> str:
    place = PLACES[product]
    word = place.words.get(name.lower().removeprefix("@"))
    if word:
        return word
    for form, becomes in place.forms.items():
        if found := re.fullmatch(form, name):
            return found.expand(becomes)
    raise ParameterError(f"Parameter 'mention': {product} calls nobody by '{name}'. Write {place.asked}.")


def _is_time(call: Call) -> bool:
    when = call.params.mention_when
    if when in ("", "always"):
        return True
    if when in LEVELS:
        level = THREAT_LEVELS.get(number(call.view.event.get("threat_level_id")), "")
        return level in LEVELS[: LEVELS.index(when) + 1]
    return call.holds("mention_when")
