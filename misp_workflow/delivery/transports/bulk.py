"""Many records in one HTTP request: the request is `http`'s, what came of each record the dialect says."""

from __future__ import annotations

import base64
import importlib
import time
from dataclasses import replace
from typing import cast

from misp_workflow.delivery import retry
from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.batches import last_word, stixed
from misp_workflow.delivery.transports.batches.rest import take_back_rest
from misp_workflow.delivery.transports.dialects import Ask
from misp_workflow.delivery.transports.network import proxies
from misp_workflow.delivery.transports.network.tries import trying
from misp_workflow.effects import Bulk, mask
from misp_workflow.effects.outcome import left_out

JUDGED_BY_DIALECT = (200, 400)


def send(bulk: Bulk, key: str, deadline: float) -> Answer:
    """Send the records."""
    return take_back_rest(bulk, deadline, _publish) if bulk.rest_of else last_word.say(bulk, deadline, _publish)


def _publish(bulk: Bulk, deadline: float) -> Answer:
    ready = stixed.written(bulk, deadline)
    if isinstance(ready, Answer):
        return ready
    deadline = stixed.time_to_send(bulk, deadline)
    answer = ready.whole(_sent(ready.batch, deadline)) if ready.places else ready.whole(NOTHING)
    if not bulk.left_out:
        return answer
    return replace(answer, detail=f"{answer.detail}; {left_out(bulk.left_out)}", left_out=bulk.left_out)


NOTHING = Answer(outcome="delivered", detail="")


def _sent(bulk: Bulk, deadline: float) -> Answer:
    if bulk.basic:  # as it stands in the request, which the other side may quote
        pair = base64.b64encode(":".join(bulk.basic).encode()).decode()
        bulk = replace(bulk, secrets=(*bulk.secrets, pair))
    dialect = importlib.import_module(f"misp_workflow.delivery.transports.dialects.{bulk.dialect}")
    body, kind = dialect.content(bulk)
    post = bulk.plain(body=body, content_type=kind)
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        return Answer(outcome="again", detail=f"there was no time left to ask {bulk.service}")
    with trying(deadline, proxies.wish(bulk.destination)) as this:
        ask = Ask(this)
        try:
            reply = dialect.exchange(bulk, post, ask) if hasattr(dialect, "exchange") else ask(post)
        except ValueError as error:
            return Answer(outcome="refused", detail=f"the request to {bulk.service} cannot be made: {error}")
        except http.TROUBLES as error:
            return http.failure(error, this, bulk.service, seconds)
    if isinstance(reply, Answer):
        return replace(reply, detail=mask(f"{bulk.service}: {reply.detail}", bulk.secrets))
    if reply.status in getattr(dialect, "JUDGED", JUDGED_BY_DIALECT) and not reply.cut:
        answer = cast(Answer, dialect.judge(bulk, reply))
        return replace(answer, detail=mask(f"{bulk.service}: {answer.detail}", bulk.secrets))
    return _failed(bulk, reply)


def _failed(bulk: Bulk, reply: Reply) -> Answer:
    outcome = retry.http_outcome(reply.status)
    advice = retry.ADVICE.get(reply.status, "")
    detail = f"{bulk.service} answered {retry.http_phrase(reply.status)}{f': {advice}' if advice else ''}"
    wish = retry.retry_after(reply.headers.get("retry-after"), time.time())
    down = reply.status >= 500
    return Answer(outcome="refused" if outcome == "delivered" else outcome, detail=detail, retry_after=wish, down=down)
