"""What an answer means, and when to try again.

A transport says what happened (`Answer`); the tables here say whether trying again can help. Nobody else decides that.
"""

from __future__ import annotations

import email.utils
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from misp_workflow.effects.outcome import reasons
from misp_workflow.words import whole_number

Outcome = Literal["delivered", "again", "refused", "part"]
"""It arrived; it may arrive later; it never will; some of the batch arrived, or each item has another fate."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one try came to. `detail` is one plain sentence without a secret, `retry_after` seconds that the other side
    asked us to wait, `down` whether the other side as a whole looks ill (so that others need not try it either), `more`
    whether a part was done in our time and the rest follows: no failure, and not to be waited for. `nothing`: there was
    nothing to send, and nobody was asked.

    Of a batch (`Effect.batch`) a transport may answer "part", which `part` below makes: `refused` are the places of the
    items that will never be taken, each with the reason, `again` the places of those that may be tried again; every
    other item is in. The house then keeps a smaller batch of the latter, and a dead letter that holds the former only.
    `ids` is what the items are called there, by place (0 for an effect that is no batch), for the ledger. `left_out`
    counts attributes that are in none of the items, by reason.
    `status` is that of an HTTP answer, 0 without one.
    """

    outcome: Outcome
    detail: str
    retry_after: float | None = None
    down: bool = False
    more: bool = False
    nothing: bool = False
    again: tuple[int, ...] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    ids: Mapping[int, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    status: int = 0


def part(
    number: int,
    refused: Mapping[int, str],
    again: Mapping[int, str],
    *,
    ids: Mapping[int, str] | None = None,
    retry_after: float | None = None,
    down: bool = False,
) -> Answer:
    """Return the answer for a batch of `number` items, of which these were refused or may be tried again, and why.

    "delivered", "refused" or "again" where all of them have the same fate, else "part".
    """
    taken = number - len(refused) - len(again)
    told = [f"{taken:,} in"]
    told += [
        f"{len(places):,} {how}: {reasons(Counter(places.values()))}"
        for how, places in (("refused", refused), ("to be tried again", again))
        if places
    ]
    outcome: Outcome = "delivered" if taken == number else "refused" if len(refused) == number else "part"
    if len(again) == number:
        outcome = "again"
    told = told[1:] if outcome in ("refused", "again") else told
    return Answer(
        outcome=outcome,
        detail=", ".join(told),
        retry_after=retry_after,
        down=down,
        again=tuple(sorted(again)),
        refused=dict(refused),
        ids=dict(ids or {}),
    )


# --- HTTP -------------------------------------------------------------------------------------------------------------

# A client error that says "not now", not "never": the server was too busy to listen (408), a race (409 is not one: the
# thing exists already), a lock (423), early data that was replayed (425), a limit (429).
_LATER = {408, 423, 425, 429}

# Server errors that no repetition mends: the server does not know the method (501), the HTTP version (505), has a
# broken configuration for this resource (506, 508) or wants an extension (510).
_NEVER = {501, 505, 506, 508, 510}

ADVICE = {
    301: "check the address",
    302: "check the address",
    303: "check the address",
    307: "check the address",
    308: "check the address",
    400: "the request was not understood: check the parameters",
    401: "check the credentials",
    403: "check that the credentials may do this",
    404: "check the address",
    405: "check the address and the method",
    407: "a proxy wants credentials",
    410: "this address was closed for good",
    413: "the message is too large",
    415: "check the content type",
}
"""What an analyst can do about a final answer, by status; one half sentence each."""


def http_outcome(status: int) -> Outcome:
    """Return what an HTTP status means for a request whose effect is wanted once."""
    if 200 <= status < 300:
        return "delivered"
    if status in _LATER or (status >= 500 and status not in _NEVER):
        return "again"
    return "refused"


def limit(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait where a rate limit says when it ends; None where none does, or a 403 is a plain no.

    GitHub's 403 may be one: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if status not in (403, 429):
        return None
    if (wish := retry_after(headers.get("retry-after"), now)) is not None:
        return wish
    if status == 403 and headers.get("x-ratelimit-remaining") != "0":
        return None
    reset = whole_number(headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or "")
    if reset is None:
        return 60.0 if status == 403 else None
    return min(max(_seconds_until(reset, now), 0.0), LONGEST_WISH)


def _seconds_until(reset: int, now: float) -> float:
    """Return the seconds that a reset means: some say how long it is, others when, in seconds or milliseconds."""
    if reset < MOMENTS:
        return reset
    return (reset if reset < 1000 * MOMENTS else reset / 1000) - now


MOMENTS = 10**9
"""Seconds since 1970 are more, in this century; nobody is asked to wait so long."""


def http_phrase(status: int) -> str:
    """Return the status as people know it ("404 Not Found"); the bare number when nobody registered it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


# --- waiting ----------------------------------------------------------------------------------------------------------

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?")  # the RFC has whole ones only, Discord and Zulip have not
LONGEST_WISH = 86_400.0
"""Seconds. A Retry-After beyond a day is taken as a day: the maximum age of an effect ends it, not a typing error."""


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None when it says nothing usable.

    Both forms of RFC 9110, section 10.2.3: seconds, or a date, which is held against `now` (seconds since 1970).
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text[:12]), LONGEST_WISH)
    try:
        wish = email.utils.parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None
    return min(max(wish, 0.0), LONGEST_WISH)


FIRST_WAIT = 2.0
LONGEST_WAIT = 900.0


def back_off(tries: int, wish: float | None = None, chance: random.Random | None = None) -> float:
    """Return the seconds to wait after the `tries`-th try (1 for the first).

    Exponential with full jitter (any time between nothing and the ceiling, so that many senders do not come back in one
    wave): https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/. A wish of the other side is a
    floor: never earlier, and a little later by the same jitter.
    """
    ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 1, 30))
    jitter = (chance or random).uniform(0.0, ceiling)
    return jitter if wish is None else wish + min(jitter, wish / 10 + 1)


def sentence_of_age(age: float, reason: str) -> str:
    """Return why an effect that is `age` seconds old is given up; `reason` is why its last try failed."""
    days = f"{age / 86_400:.0f} days" if age >= 2 * 86_400 else f"{age / 60:.0f} min" if age >= 120 else f"{age:.0f} s"
    return f"Given up after {days}. {reason}".strip()
