"""Delivery inside the real misp-modules server: killed, hung, ended, restarted."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from brokers import Brokers
from delivery_kit import until
from hurry import LEASE, REDIS, hurried

from misp_workflow import settings
from misp_workflow.delivery.outbox import open_outbox
from misp_workflow.testing.receiver import CLOSE, HANG, RESET, Answer, Received, Receiver, answer
from misp_workflow.testing.server import MispModulesServer

pytest.importorskip("misp_modules", reason="misp-modules is not installed")
pytestmark = [pytest.mark.server, pytest.mark.waits]

ROW = {"id": "1", "uuid": "0d4b1a5e-0000-4000-8000-000000000001", "info": "kept", "timestamp": "1"}
EVENT = {"Event": {**ROW, "RelatedEvent": []}}  # a full event says what happened, so that the same again is no news
NO_ANSWER: dict[str, Any] = {"error": "the server did not answer"}


@pytest.fixture
def environment(state: Path, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Returns a function that writes settings and gives the environment of a server that uses them, hurried or not."""

    def make(text: str, *changes: str) -> dict[str, str]:
        path = tmp_path / "settings.toml"
        path.write_text(text)
        path.chmod(0o600)
        hurry = hurried(tmp_path, *changes) if changes else {}
        return {**hurry, "MISP_WORKFLOW_STATE": str(state), "MISP_WORKFLOW_CONFIG": str(path)}

    return make


def call(server: MispModulesServer, url: str, number: int, **params: str) -> dict[str, Any]:
    """Ask for one HTTP request with the body {"n": number}, signed, so that its key travels."""
    given = {"url": url, "body": json.dumps({"n": number}), "content_type": "application/json"}
    request = {"module": "http_request", "data": EVENT, "params": {**given, "signing_secret": "a secret", **params}}
    try:
        return dict(server.query(request, timeout=30))
    except (OSError, ValueError):
        return NO_ANSWER


# --- killed -----------------------------------------------------------------------------------------------------------


class Unfriendly:
    """Receivers that fail three times in ten, in every way there is; notes what they took, under which key."""

    def __init__(self, number: int) -> None:
        self._chance = random.Random(4)
        self._lock = threading.Lock()
        self.taken: dict[int, int] = defaultdict(int)
        self.keys: dict[int, set[str]] = defaultdict(set)
        self._number = number
        self._stack = ExitStack()

    def __enter__(self) -> Unfriendly:
        self._receivers = [self._stack.enter_context(Receiver()) for _ in range(self._number)]
        for receiver in self._receivers:
            receiver.always(self._respond)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def url(self, number: int) -> str:
        return self._receivers[number % len(self._receivers)].url

    def _respond(self, request: Received) -> Answer:
        try:
            number = request.json()["n"]
        except ValueError:  # its sender was killed in the middle of it
            return CLOSE
        with self._lock:
            self.keys[number].add(request.header("webhook-id") or "")
            if self._chance.random() < 0.3:
                return self._chance.choices(*zip(*FAILURES, strict=True))[0]
            self.taken[number] += 1
            return self._chance.choice([answer(), answer(delay=0.1), answer("x" * 20, drip=0.01)])


LATER = {"Retry-After": "1"}
FAILURES = [
    (answer(status=500), 6),
    (answer(status=502), 6),
    (answer(status=503, headers=LATER), 6),
    (answer(status=429, headers=LATER), 6),
    (answer(status=404), 4),
    (answer(status=410), 4),
    (CLOSE, 6),
    (RESET, 6),
    (answer("x" * 100, cut=10), 6),
    (answer(delay=60), 1),  # these three are rare, because each takes its time
    (answer("x" * 1000, drip=0.1), 1),
    (HANG, 1),
]
"""What a failing receiver does, and how often."""


def _send_all(servers: list[MispModulesServer], there: Unfriendly, number: int, kills: int) -> set[int]:
    """Send `number` actions while servers are killed and started again; return those that were accepted."""
    accepted: set[int] = set()
    answered = 0
    lock = threading.Lock()

    def send(n: int) -> None:
        nonlocal answered
        while True:
            said = call(servers[n % len(servers)], there.url(n), n, delivery="queue" if n % 2 else "wait")
            if said is not NO_ANSWER and "in time" not in said.get("error", ""):
                break
            time.sleep(0.1)  # its server is being started again, or busy; the same is asked again, as its key shows
        with lock:
            answered += 1
            if "data" in said:
                accepted.add(n)

    with ThreadPoolExecutor(8) as senders:
        futures = [senders.submit(send, n) for n in range(number)]
        for kill in range(1, kills + 1):
            until(lambda kill=kill: answered >= number * kill / (kills + 1), 900)
            victim = servers[kill % len(servers)]
            victim.kill()
            victim.start()
        for future in futures:
            future.result()
    return accepted


SOON = (
    *LEASE,
    "misp_workflow.delivery.retry.LONGEST_WAIT = 2.0",
    "misp_workflow.delivery.breaker.FIRST_REST = 1.0",
    "misp_workflow.delivery.house.WORKER_PATIENCE = 1.25",  # so often `answer_within`
)
"""What else decides how long the last few of some hundred take, which fail again and again."""


@pytest.mark.parametrize(("kind", "replicas", "number"), [("sqlite", 1, 300), ("redis", 3, 300), ("rabbitmq", 3, 300)])
def test_accepted_is_not_lost(
    kind: str, replicas: int, number: int, environment, brokers: Brokers, state: Path, monkeypatch
) -> None:
    with ExitStack() as stack:
        there = stack.enter_context(Unfriendly(12))
        text = "answer_within = 4\n[outbox]\nworkers = 6\n"
        if kind != "sqlite":
            broker = stack.enter_context(brokers(kind))
            text += f'url = "{broker.url}"\nkey = "a pass phrase for all of them"\n'
        given = environment(text, *SOON, *(REDIS if kind == "redis" else ()))
        servers = [stack.enter_context(MispModulesServer(environment=given)) for _ in range(replicas)]
        accepted = _send_all(servers, there, number, kills=5)
        assert len(accepted) > number * 0.8

        for name, value in given.items():
            monkeypatch.setenv(name, value)
        box = open_outbox(settings.current())
        stack.callback(box.close)
        until(lambda: not box.anything_waits(), 900)
        dead = {_number_of(box, entry.key): entry for entry in box.entries("dead")}
        end = time.monotonic() + 60  # on a busy machine a worker may have one in hand and not say so within its time
        while (lost := accepted - there.taken.keys() - dead.keys()) and time.monotonic() < end:
            time.sleep(1)
            dead = {_number_of(box, entry.key): entry for entry in box.entries("dead")}
        assert not lost, f"{len(lost)} of {len(accepted)} accepted ones are gone: {sorted(lost)}"
        assert all(len(keys) == 1 for keys in there.keys.values()), "a repetition has another key"
        assert dead, "three in a hundred were refused for good"
        for entry in dead.values():
            assert entry.reason.startswith("127.0.0.1 answered 4"), entry.reason
            assert entry.tries > 0


def _number_of(box: Any, key: str) -> int:
    return int(json.loads(box.show(key)[1].body)["n"])


# --- hung -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(environment) -> Iterator[MispModulesServer]:
    with MispModulesServer(environment=environment("answer_within = 4\n")) as running_server:
        yield running_server


def test_a_destination_that_hangs_takes_nobody_along(environment, receiver: Receiver, captures) -> None:
    floor = json.dumps({**captures["event-publish"], "module": "testaction", "params": []}).encode()
    receiver.always(HANG)
    given = environment("answer_within = 20\n", "misp_workflow.delivery.breaker.FIRST_REST = 300.0")
    with MispModulesServer(environment=given) as server, ThreadPoolExecutor(40) as callers:
        calm = _times(server, floor, 100)
        ours = [callers.submit(call, server, receiver.url, n) for n in range(40)]
        until(lambda: sum(one.done() for one in ours) >= 38)
        busy = []
        while len(busy) < 100 and not all(one.done() for one in ours):  # it hangs meanwhile, and two wait for it
            busy += _times(server, floor, 1)
        answers = [one.result()["data"] for one in ours]
        assert {said["status"] for said in answers} == {"queued"}
        waited = [said["detail"] for said in answers if "did not answer within" in said["detail"]]
        assert len(waited) <= 2, "more than two waited for the one that hangs"
        assert len(busy) > 10, "the others waited, too"
        calm += _times(server, floor, 100)
        assert median(busy) <= max(2 * median(calm), median(calm) + 0.25)
        assert "left alone" in call(server, receiver.url, 99)["data"]["detail"]


def _times(server: MispModulesServer, body: bytes, number: int) -> list[float]:
    found = []
    for _ in range(number):
        began = time.monotonic()
        assert server.query(body)["data"]
        found.append(time.monotonic() - began)
    return found


# --- ended and restarted ----------------------------------------------------------------------------------------------


def test_what_waits_goes_out_when_the_server_starts_again(
    server: MispModulesServer, receiver: Receiver, environment
) -> None:
    receiver.always(answer(status=503))
    assert call(server, receiver.url, 1)["data"]["status"] == "queued"
    server.kill()
    receiver.clear()
    receiver.always(answer())
    server.start()  # nobody calls an action: the start alone is enough
    receiver.wait_for(1, timeout=300)


def test_a_digest_survives_a_kill(environment, receiver: Receiver) -> None:
    text = f'[destinations.chat]\ndigest = 3\n[destinations.chat.parameters]\nwebhook_url = "{receiver.url}/hook"\n'
    with MispModulesServer(environment=environment(text)) as running_server:
        for n in range(40):
            event = {"Event": {**EVENT["Event"], "info": f"storm {n}", "timestamp": str(n)}}
            params = {"destination": "chat", "message": "about {{ event.info }}"}
            said = running_server.query({"module": "slack_message", "data": event, "params": params})
            assert said["data"]["detail"].startswith("Queued: gathered with others like it for 3 s.")
        running_server.kill()
        running_server.start()

        def told() -> int:
            return sum(int(request.json()["text"].split()[0]) for request in receiver.requests)

        until(lambda: told() >= 40)
        assert told() == 40
        assert "about storm 0" in receiver.requests[0].json()["text"]
        assert len(receiver.requests) <= 3


def test_a_kill_between_two_messages_of_one_repeats_none_and_loses_none(environment, receiver: Receiver) -> None:
    params = {"webhook_url": f"{receiver.url}/hook", "overflow": "split", "delivery": "queue"}
    params["message"] = "{% for n in range(350) %}line {{ 100 + n }} of a list for all\n{% endfor %}"
    receiver.answers(answer("ok"), HANG)
    receiver.always(answer("ok"))
    with MispModulesServer(environment=environment("", *LEASE)) as running_server:
        said = running_server.query({"module": "slack_message", "data": EVENT, "params": params})
        assert said["data"]["status"] == "queued"
        receiver.wait_for(2)
        running_server.kill()
        running_server.start()
        until(lambda: len(receiver.requests) >= 4)
    told = [request.json()["text"] for request in receiver.requests]
    assert [text[:5] for text in told] == ["(1/3)", "(2/3)", "(2/3)", "(3/3)"]
    assert all(f"line {100 + n} of" in "".join(told) for n in range(350))


def test_the_server_ends_at_once_when_it_is_told_to(server: MispModulesServer, receiver: Receiver) -> None:
    receiver.always(HANG)
    call(server, receiver.url, 1, delivery="queue")
    receiver.wait_for(1)
    pid = server.pid
    assert pid
    process = server._process
    assert process is not None
    process.terminate()
    assert process.wait(300) == 0
    assert "Traceback" not in server.log()


def test_a_state_folder_that_is_none_is_an_error_and_the_server_lives(
    receiver: Receiver, tmp_path: Path, environment
) -> None:
    (tmp_path / "a file").write_text("")
    given = {**environment(""), "MISP_WORKFLOW_STATE": str(tmp_path / "a file" / "state")}
    with MispModulesServer(environment=given) as running_server:
        said = call(running_server, receiver.url, 1)
        assert "cannot be written" in said["error"]
        assert receiver.requests == []
        assert running_server.query({"module": "testaction", "data": EVENT, "params": []})["data"]


def test_two_servers_on_one_file(environment, receiver: Receiver) -> None:
    receiver.always(lambda request: answer(status=503 if request.json()["n"] % 3 == 0 else 200))
    given = environment("")
    with MispModulesServer(environment=given) as one, MispModulesServer(environment=given) as two:
        with ThreadPoolExecutor(8) as callers:
            answers = list(callers.map(lambda n: call((one, two)[n % 2], receiver.url, n), range(120)))
        assert {said["data"]["status"] for said in answers} <= {"delivered", "queued"}
        receiver.always(answer())
        until(lambda: {request.json()["n"] for request in receiver.requests} == set(range(120)))
        same = call(one, receiver.url, 1), call(two, receiver.url, 1)
        assert [said["data"]["status"] for said in same] == ["skipped", "skipped"]
    keys = {(request.json()["n"], request.header("webhook-id")) for request in receiver.requests}
    assert len(keys) == 120
