"""Redis streams: XADD with a bound, one transaction of commands for a batch. Needs redis, the extra [queue]."""

from __future__ import annotations

import re
from typing import Any

from misp_workflow.delivery.transports.network import foreign
from misp_workflow.delivery.transports.network.tries import trying
from misp_workflow.delivery.transports.streams.outcome import (
    IN,
    Outcome,
    UnreachableError,
    encoded,
    gone,
    left,
    missing,
    server,
)
from misp_workflow.effects import Batch

LENGTH = 100_000
"""Entries that a stream keeps, about: Redis trims whole blocks of some hundred."""
_ENTRY = re.compile(rb"\d+-\d+")
NOT_NOW = ("MISCONF", "NOREPLICAS", "BUSY", "LOADING", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN")
"""How plain errors begin that may pass; the client takes the first word off those that it has a class for."""


def publish(batch: Batch, deadline: float) -> list[Outcome]:
    """Add the records to their streams in one round trip."""
    try:
        import redis
    except ImportError:
        raise missing("redis", "queue") from None
    client = _client(redis, batch, deadline)
    pipe = client.pipeline(transaction=False)
    for record, body in zip(batch.records, encoded(batch.records), strict=True):
        fields = {"id": str(record["id"]), "withdrawn": "1" if gone(record) else "0", "body": body or b""}
        pipe.xadd(str(record["topic"]), fields, maxlen=int(batch.options.get("length", LENGTH)), approximate=True)
    try:
        # its time-outs count from byte to byte
        with trying(deadline) as this, foreign.checked(this):
            return [_judged(redis.exceptions, one) for one in pipe.execute(raise_on_error=False)]
    except redis.exceptions.AuthenticationError as error:
        raise UnreachableError(f"Redis refused the credentials: {error}", final=True) from None
    except redis.exceptions.RedisError as error:
        raise UnreachableError(f"Redis could not be used: {error}") from None
    finally:
        client.close()


def _client(redis: Any, batch: Batch, deadline: float) -> Any:
    parts = server(batch, 6379, deadline)
    given: dict[str, Any] = {}
    if parts.scheme == "rediss":
        given = {
            "ssl": True,
            "ssl_ca_certs": batch.ca_file or None,
            "ssl_cert_reqs": "required" if batch.verify_tls else "none",
            "ssl_check_hostname": batch.verify_tls,
        }
    database = parts.path.strip("/")
    return redis.Redis(
        host=parts.hostname,
        port=parts.port or 6379,
        db=int(database) if database.isdecimal() else 0,
        username=batch.username or None,
        password=batch.password or None,
        socket_timeout=left(deadline),
        socket_connect_timeout=left(deadline),
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),  # who tries again is the outbox
        **given,
    )


def _judged(errors: Any, answer: Any) -> Outcome:
    if isinstance(answer, bytes) and _ENTRY.fullmatch(answer):
        return IN
    if not isinstance(answer, Exception):
        return Outcome("again", "Redis did not say which entry it made")
    said = str(answer)
    plain = type(answer) is errors.ResponseError and not said.startswith(NOT_NOW)
    never = plain or isinstance(answer, errors.NoPermissionError)
    return Outcome("refused" if never else "again", f"Redis says: {said}")
