"""NATS JetStream: each record acknowledged, a repetition known by its Nats-Msg-Id. Needs nats-py, the extra [nats].

JetStream looks for a message id in the whole stream, so ours holds the subject, too. What no stream takes is an error:
a core publish that nobody hears would look like a success.
"""

from __future__ import annotations

import asyncio
from typing import Any

from misp_workflow.delivery.transports.streams.outcome import (
    IN,
    Outcome,
    UnreachableError,
    encoded,
    gone,
    left,
    missing,
    server,
    tls,
)
from misp_workflow.effects import Batch

AT_ONCE = 64
"""Records that wait for an acknowledgement at one time."""


def publish(batch: Batch, deadline: float) -> list[Outcome]:
    """Publish the records, many at a time, and wait for an acknowledgement of each."""
    try:
        import nats  # noqa: F401 - is it there?
    except ImportError:
        raise missing("nats-py", "nats") from None
    return asyncio.run(_publish(batch, deadline))


async def _publish(batch: Batch, deadline: float) -> list[Outcome]:
    import nats
    from nats.errors import Error, NoServersError

    said: list[Exception] = []

    async def hear(error: Exception) -> None:
        said.append(error)  # a record's outcome says it, too; of a server that is not there nobody else does

    parts = server(batch, 4222, deadline)
    given: dict[str, Any] = {"user": batch.username, "password": batch.password} if batch.username else {}
    if parts.scheme == "tls":
        given["tls"] = tls(batch)
    try:
        connecting = nats.connect(
            f"nats://{parts.hostname}:{parts.port or 4222}",
            connect_timeout=left(deadline),
            allow_reconnect=False,  # it would go, password and all, to whatever servers this one names
            max_reconnect_attempts=1,  # else a server that is not there is asked sixty times,
            reconnect_time_wait=0,  # every two seconds
            error_cb=hear,
            **given,
        )
        client = await asyncio.wait_for(connecting, left(deadline))
    except (Error, OSError, asyncio.TimeoutError) as error:
        cause = said[-1] if said and isinstance(error, NoServersError) else error
        final = "authorization" in str(cause).lower()
        raise UnreachableError(f"the server could not be used: {str(cause) or type(cause).__name__}", final) from None
    try:
        stream, gate = client.jetstream(timeout=left(deadline)), asyncio.Semaphore(AT_ONCE)
        work = [_one(stream, gate, *pair) for pair in zip(batch.records, encoded(batch.records), strict=True)]
        return list(await asyncio.gather(*work))
    finally:
        await client.close()


async def _one(stream: Any, gate: asyncio.Semaphore, record: Any, body: bytes | None) -> Outcome:
    from nats.errors import Error, MaxPayloadError, NoRespondersError, OutboundBufferLimitError
    from nats.js.errors import APIError, NoStreamResponseError, ServiceUnavailableError

    subject = str(record["topic"])
    headers = {"Nats-Msg-Id": f"{subject} {record['id']}", **({"Withdrawn": "true"} if gone(record) else {})}
    async with gate:
        try:
            await stream.publish(subject, body or b"", headers=headers)
            return IN
        except MaxPayloadError:
            return Outcome("refused", "it is larger than the server takes (max_payload)")
        except (NoStreamResponseError, NoRespondersError):
            return Outcome("refused", f"no stream takes the subject {subject}")
        except (ServiceUnavailableError, OutboundBufferLimitError):
            return Outcome("again", "the stream has no room, or no leader")
        except APIError as error:
            return Outcome("refused", f"the stream says: {error.description}")
        except (Error, asyncio.TimeoutError) as error:
            return Outcome("again", f"it was not acknowledged: {str(error) or type(error).__name__}")
