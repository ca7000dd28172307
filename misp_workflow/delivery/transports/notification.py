"""Notifications through the apprise library (https://github.com/caronc/apprise), an optional extra.

The library waits as long as it likes and says yes or no. So each send has a thread of its own, which is left behind
when it is late, with its connections shut; and what the library logs about a failure is read for the service's HTTP
status. How many may be left behind is counted for each destination: one that drips takes nothing from the others.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from misp_workflow import settings
from misp_workflow.delivery import retry
from misp_workflow.delivery.lanes import name_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports.network import proxies
from misp_workflow.delivery.transports.network.foreign import checked
from misp_workflow.delivery.transports.network.tries import trying
from misp_workflow.delivery.transports.request.answers import quotable
from misp_workflow.effects import Notification, mask

MOST_AT_ONE_PLACE = 4
"""Sends to one destination that may be under way or left behind; while there are as many, no other one begins."""

_under_way: Counter[str] = Counter()
_lock = threading.Lock()
_STATUS = re.compile(r"\berror=(\d{3})\b")


def send(notification: Notification, key: str, deadline: float) -> Answer:
    """Hand the message to apprise and return what is known of it before `deadline` (a time of `time.monotonic()`)."""
    answer = _send(notification, deadline)
    detail = mask(answer.detail, notification.secrets)
    return Answer(outcome=answer.outcome, detail=detail, down=answer.down)


def _send(notification: Notification, deadline: float) -> Answer:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        return Answer(outcome="again", detail="there was no time left to ask apprise")
    if why := proxies.apprise_trouble(proxies.wish(notification.destination), settings.current()):
        return Answer(outcome="refused", detail=why)
    place = name_of(notification)
    if not _begin(place):
        detail = f"{MOST_AT_ONE_PLACE} notifications to it before this one have not come back"
        return Answer(outcome="again", detail=detail, down=True)
    answers: list[Answer] = []

    def work() -> None:
        try:
            answers.append(_notify(notification, deadline))
        finally:
            _end(place)

    thread = threading.Thread(target=work, name="misp-workflow-apprise", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        _end(place)
        return Answer(outcome="again", detail="this system gives no more threads")
    thread.join(max(deadline - time.monotonic(), 0))
    if answers:
        return answers[0]
    return _late()


def _late() -> Answer:
    detail = "apprise did not come back in time; whether the message went out is not known"
    return Answer(outcome="again", detail=detail, down=True)


def _begin(place: str) -> bool:
    """Count one more send to the place, unless there are too many."""
    with _lock:
        if _under_way[place] >= MOST_AT_ONE_PLACE:
            return False
        _under_way[place] += 1
        return True


def _end(place: str) -> None:
    with _lock:
        _under_way[place] -= 1
        if not _under_way[place]:
            del _under_way[place]


def _notify(notification: Notification, deadline: float) -> Answer:
    try:
        import apprise
    except ImportError:
        return Answer(
            outcome="refused", detail="apprise is not installed: pip install 'misp-workflow-actions[apprise]'"
        )
    # As one of our own tries, so that urllib3 does not log the paths of its requests either.
    with _heard() as warnings, trying(deadline) as this, checked(this) as refusals:
        try:
            service = apprise.Apprise.instantiate(notification.url)
            if service is None:
                return Answer(outcome="refused", detail="apprise does not understand this address; check 'service_url'")
            went = _asked(service, notification, deadline)
            if this.late:  # an answer whose connection we have shut looks complete to the library
                return _late()
            if refusals and not went:
                return Answer(outcome="refused", detail=f"{notification.host or 'it'} is not asked: {refusals[0]}")
            return _judge(service, went, mask(" ".join(warnings), notification.secrets))
        except Exception as error:  # a library of 170 services: whatever it throws, this message has not gone out
            said = quotable(str(error), notification.secrets)
            return Answer(outcome="again", detail=f"apprise failed ({type(error).__name__}): {said}")


def _asked(service: Any, notification: Notification, deadline: float) -> bool:
    left = max(deadline - time.monotonic(), 0.1)
    service.socket_connect_timeout = min(service.socket_connect_timeout, left)
    service.socket_read_timeout = min(service.socket_read_timeout, left)
    service.redirects = False  # the library would take the credentials along
    return bool(service.notify(body=notification.text, title=notification.title, body_format="text"))


def _judge(service: Any, went: bool, said: str) -> Answer:
    name = str(getattr(service, "service_name", "the service"))
    if went:
        return Answer(outcome="delivered", detail=f"apprise says that {name} took it; it gives no more than that")
    status = _STATUS.search(said)
    detail = f"apprise says that {name} did not take it: {quotable(said) or 'it gives no reason'}"
    if status is None:
        return Answer(outcome="again", detail=detail, down=True)
    code = int(status[1])
    outcome = retry.http_outcome(code)
    advice = retry.ADVICE.get(code, "") if outcome == "refused" else ""
    return Answer(outcome=outcome, detail=f"{detail}; {advice}" if advice else detail, down=code >= 500)


# --- what the library logs --------------------------------------------------------------------------------------------


class _Ear(logging.Handler):
    """Keeps the warnings of one thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread = threading.get_ident()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.said.append(record.getMessage())


@contextlib.contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what apprise warns of in this thread. Its log goes nowhere else: it quotes addresses and messages."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    ear = _Ear()
    logger.addHandler(ear)
    try:
        yield ear.said
    finally:
        logger.removeHandler(ear)
