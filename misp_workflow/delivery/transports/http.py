"""HTTP: performs a `Post` and judges the answer. Redirects are followed to the same host only."""

from __future__ import annotations

import base64
import codecs
import dataclasses
import time
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import DecodeError, HTTPError
from urllib3.exceptions import TimeoutError as LateError

from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports.network import proxies
from misp_workflow.delivery.transports.network.session import SESSION, adapter
from misp_workflow.delivery.transports.network.tries import Try, trying
from misp_workflow.delivery.transports.request import answers, parts, threads
from misp_workflow.effects import Json, Post

MAX_ANSWER = 1024 * 1024
"""Bytes of an answer that are read; the rest of a longer one is left unread."""
MAX_REDIRECTS = 3


def send(post: Post, key: str, deadline: float) -> Answer:
    """Perform the request and return what came of it before `deadline` (a time of `time.monotonic()`).

    Delivered means what `post.expect_status`, `post.expect` and `post.error_at` say, not merely a 2xx.
    """
    if post.basic:  # as it stands in the request, which the other side may quote
        pair = base64.b64encode(":".join(post.basic).encode()).decode()
        post = dataclasses.replace(post, secrets=(*post.secrets, pair))
    part = threads.joined(post) if post.thread else post
    answer = _send(part, key, deadline)
    if answer.outcome == "refused" and part is not post:  # maybe because the thread's first message is gone
        threads.lost(post)
        answer = _send(post, key, deadline)
    return answers.without(answer, post.secrets)


def _send(post: Post, key: str, deadline: float) -> Answer:
    who = post.service or _host(post.url)
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        return Answer(outcome="again", detail=f"there was no time left to ask {who}")
    try:
        prepared = _prepare(post, key)
    except (ValueError, requests.RequestException) as error:
        return Answer(outcome="refused", detail=f"the request to {who} cannot be made: {error}")
    with trying(deadline, proxies.wish(post.destination)) as this:
        try:
            answer = answers.judge(post, who, _exchange(post, prepared, this))
        except TROUBLES as error:
            answer = failure(error, this, who, seconds)
    return answer if this.proxy is None else answers.without(answer, this.proxy.secrets)


def ask(post: Post, this: Try, most: int = MAX_ANSWER) -> Reply:
    """Perform the request as part of a try that is under way, and return the answer as it came, unjudged.

    `most` bytes of it are read. Raises ValueError or one of TROUBLES; `failure` says what those mean.
    """
    return _exchange(post, _prepare(post, ""), this, most)


def perform(post: Post, key: str, this: Try, *, harmless: bool = False) -> tuple[Answer, Json]:
    """Perform the request as part of a try, and return what came of it, judged as `send` does, with what JSON it holds.

    Whatever is no GET is sent once: an answer that does not come may have been about something that was done, unless
    that would be `harmless`. Raises ValueError or one of TROUBLES; `failure` says what those mean.
    """
    reply = _exchange(post, _prepare(post, key), this, once=post.method != "GET" and not harmless)
    return answers.judge(post, post.service or _host(post.url), reply), answers.parsed(reply.body)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "the receiver"
    except ValueError:
        return "the receiver"


# --- the request ------------------------------------------------------------------------------------------------------


def _prepare(post: Post, key: str) -> requests.PreparedRequest:
    content, headers = parts.content_and_headers(post, key)
    url, query = parts.address(post, key)
    # Step by step, not by the session's `prepare_request`: most of what that one does is to merge nothing with nothing.
    request = requests.PreparedRequest()
    request.prepare_method(post.method)
    if query or url != post.url:
        request.prepare_url(url, query)
    else:
        request.url = _address(url)
    request.prepare_headers({**SESSION.headers, **headers})
    request.body = content or None
    if post.basic:  # bytes: requests would take text for latin-1
        request.prepare_auth((post.basic[0].encode(), post.basic[1].encode()))
    elif "@" in str(request.url):  # credentials may stand in the address
        request.prepare_auth(None)
    return request


@lru_cache(maxsize=128)
def _address(url: str) -> str:
    """Return the address as requests writes it; most messages go where the one before went."""
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    return str(request.url)


# --- the exchange -----------------------------------------------------------------------------------------------------


class _RedirectError(Exception):
    pass


def _exchange(
    post: Post, prepared: requests.PreparedRequest, this: Try, most: int = MAX_ANSWER, once: bool = False
) -> Reply:
    for _ in range(MAX_REDIRECTS + 1):
        response = (_request if once else _once_more_if_stale)(post, prepared, this)
        onward = response.get_redirect_location()
        if not onward:
            return _read(response, this, most)
        response.close()
        response.release_conn()
        prepared = _redirected(prepared, onward, response.status)
    raise _RedirectError(f"redirected more than {MAX_REDIRECTS} times")


def _redirected(prepared: requests.PreparedRequest, onward: str, status: int) -> requests.PreparedRequest:
    """Return the request for the address that a redirect names, on the same host only.

    So credentials never travel, and a message never goes where the operator did not send it. A status that would turn a
    POST into a GET (301 to 303) is an answer like any other: what was sent has not been accepted.
    """
    try:
        target = urljoin(str(prepared.url), onward)
        old, new = urlsplit(str(prepared.url)), urlsplit(target)
        upgrade = (old.scheme, old.port, new.scheme, new.port) == ("http", None, "https", None)
    except ValueError:
        raise _RedirectError(f"answered {status}: redirect to an address that is none") from None
    if old.hostname != new.hostname or (not upgrade and (old.scheme, old.port) != (new.scheme, new.port)):
        raise _RedirectError(
            f"answered {status}: redirect to {new.scheme}://{new.netloc.rpartition('@')[2]}, which is not followed; "
            "if that is right, put it in the address"
        )
    if prepared.method != "GET" and status not in (307, 308):
        raise _RedirectError(f"answered {status}: redirect to another path, which a {prepared.method} does not follow")
    onwards = prepared.copy()
    onwards.prepare_url(target, None)
    return onwards


def _once_more_if_stale(post: Post, prepared: requests.PreparedRequest, this: Try) -> HTTPResponse:
    """Send; once more on a new connection when a kept one turns out to have been closed by the other side."""
    try:
        return _request(post, prepared, this)
    except requests.ConnectionError:
        if not this.reused or this.late:
            raise
        return _request(post, prepared, this)


def _request(post: Post, prepared: requests.PreparedRequest, this: Try) -> HTTPResponse:
    certificate = post.client_certificate
    this.proxy = proxies.for_url(this.wish, str(prepared.url))
    try:
        # An adapter, not a session's `send`: that one looks after cookies, hooks and redirects, which nobody wants.
        return adapter(str(prepared.url), this.proxy).send(  # type: ignore[return-value]  # see `build_response`
            prepared,
            stream=True,
            timeout=None,  # the watchdog ends it: to wait with a time-out costs each step a second turn
            verify=(post.ca_file or True) if post.verify_tls else False,
            # The file stands for the key too: then a key with a passphrase is an error, not a question on the terminal.
            cert=(certificate, certificate) if certificate else None,
            proxies={},
        )
    except requests.exceptions.InvalidHeader as error:  # the answer's: ours were looked at before
        raise requests.exceptions.ContentDecodingError(error) from None


def _read(response: HTTPResponse, this: Try, most: int) -> Reply:
    try:
        body = _whole(response, most)
    finally:
        response.close()  # unread, or the watchdog ended it: it is not kept
        response.release_conn()
    if this.late:  # a body without a length looks complete when the watchdog ended it
        raise requests.ReadTimeout
    # Without the mark that editors leave before JSON and PHP's files, and so servers: readers of JSON do not take it.
    said = body[:most].removeprefix(codecs.BOM_UTF8)
    return Reply(response.status, response.headers, said, len(body) > most)


def _whole(response: HTTPResponse, most: int) -> bytes:
    """Return the body; of one that is longer than `most` bytes, a little more than that."""
    promised = response.length_remaining
    if promised is not None and promised <= most and "content-encoding" not in response.headers:
        return response.read()  # most are so: in one piece it costs less
    chunks, length = [], 0  # put together once, at the end
    for chunk in response.stream(64 * 1024, decode_content=True):
        chunks.append(chunk)
        length += len(chunk)
        if length > most:
            break
    return b"".join(chunks)


def failure(error: Exception, this: Try, who: str, seconds: float) -> Answer:
    """Return the answer for an exchange with `who` that did not come to an end within its `seconds`."""
    if isinstance(error, _RedirectError):
        return Answer(outcome="refused", detail=f"{who} {error}")
    if this.final:
        return Answer(outcome="refused", detail=f"{who} is not asked: {this.problem}")
    if this.problem and not this.late:
        return Answer(outcome="again", detail=this.problem, down=True)
    if this.late or isinstance(error, (requests.Timeout, LateError)):
        detail = this.problem or f"{who} did not answer within {_seconds(seconds)}"
        return Answer(outcome="again", detail=detail, down=True)
    if isinstance(error, _NOT_TO_BE_SENT):
        return Answer(outcome="refused", detail=f"the request to {who} cannot be made: {error}")
    if isinstance(error, DecodeError):
        return Answer(outcome="again", detail=f"{who} sent an answer that cannot be unpacked", down=True)
    if isinstance(error, (requests.RequestException, HTTPError)):
        return Answer(outcome="again", detail=f"{who} closed the connection without a whole answer", down=True)
    # Not from the network: a certificate file that is missing or no certificate. The operator can mend it meanwhile.
    return Answer(outcome="again", detail=f"the request to {who} cannot be made: {error}")


TROUBLES = (_RedirectError, requests.RequestException, HTTPError, OSError)
"""What an exchange may end with instead of an answer."""
_NOT_TO_BE_SENT = (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, requests.exceptions.InvalidSchema)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 2 else f"{seconds:.1f} s"
