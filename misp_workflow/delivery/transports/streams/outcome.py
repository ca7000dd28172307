"""What became of one record, and what all brokers' files share."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from misp_workflow.delivery.transports.network import proxies, trust
from misp_workflow.delivery.transports.network.names import resolve
from misp_workflow.delivery.transports.network.sockets import check_address
from misp_workflow.effects import Batch


@dataclass(frozen=True)
class Outcome:
    """What became of one record: "in", "again" (not now) or "refused" (never); `why` is half a sentence."""

    how: Literal["in", "again", "refused"]
    why: str = ""


IN = Outcome("in")


class UnreachableError(Exception):
    """No record of the batch went out, as far as is known. `final`: no repetition will mend it."""

    def __init__(self, why: str, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


def missing(package: str, extra: str) -> UnreachableError:
    """Return what to say when a client library is not there: nothing is sent until somebody installs it."""
    return UnreachableError(f"{package} is not installed: pip install 'misp-workflow-actions[{extra}]'", final=True)


def server(batch: Batch, port: int, deadline: float) -> SplitResult:
    """Return the broker's address, once every address that its name stands for may be spoken to."""
    if why := proxies.cannot(f"what is sent to {batch.shown}", batch.destination, batch.address):
        raise UnreachableError(why, final=True)
    parts = urlsplit(batch.address)
    try:
        host, number = parts.hostname or "", parts.port or port
    except ValueError:
        raise UnreachableError(f"the address {batch.shown} has no usable port", final=True) from None
    try:
        found = resolve(host, number, deadline)
    except OSError:
        raise UnreachableError(f"the name of {batch.shown} cannot be looked up") from None
    for one in found:
        try:
            check_address(str(one[4][0]))
        except OSError as error:
            raise UnreachableError(f"{batch.shown} is not asked: {error}", final=True) from None
    return parts


def tls(batch: Batch) -> ssl.SSLContext:
    """Return the TLS context that the node's parameters ask for."""
    try:
        context = trust.context(batch.ca_file)
    except OSError:
        raise UnreachableError(f"the file {batch.ca_file} holds no certificate authorities", final=True) from None
    context.check_hostname = True
    if batch.client_certificate:
        context.load_cert_chain(batch.client_certificate)
    if not batch.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def left(deadline: float) -> float:
    """Return the seconds until the deadline, never less than a moment."""
    return max(deadline - time.monotonic(), 0.01)


def gone(record: Any) -> bool:
    """Whether the record says that something is withdrawn: by having no body, or in its body."""
    return bool(record.get("withdrawn", record.get("body") is None))


def encoded(records: Iterable[Any]) -> list[bytes | None]:
    """Return the records' bodies as UTF-8; None for a tombstone."""
    return [None if one.get("body") is None else str(one["body"]).encode("utf-8", "replace") for one in records]
