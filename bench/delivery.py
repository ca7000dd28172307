"""What delivery costs, in one run against the real misp-modules: python bench/delivery.py [--seconds 4] [--json]

Eight clients send the body that a real MISP sent for event-publish (with a new event each time, so that nothing is
skipped as a repetition) to: upstream's testaction (the floor), upstream's nextcloud_talk with a local receiver (what
people have today), and our slack_message with the same message, waiting and queueing (the dry run shows what deciding
costs: clearance, secrets, template; the rest is delivery). The two that send once more over TLS, as chat servers have
it. Then testaction alone while calls of ours go to a receiver that never answers. Then a storm: 5,000 attributes of one
event, each saved by a call of its own, which a destination gathers into one message. Then the outbox by itself. Only
ratios within one run say anything.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import random
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from receivers import certificate, receiver

from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post
from misp_workflow.testing import MispModulesServer

CLIENTS = 8
ROUNDS = 5
WARM = 0.3
"""Seconds before each measurement."""
STORM = 5_000
"""Calls that become one message."""
CAPTURES = Path(__file__).resolve().parents[1] / "tests" / "captures"
MARK = "bench 00000000"
KEY = "a pass phrase for this bench"
TEMPLATE = "Event published: {{ Event.info }}"
MESSAGE = "Event published: {{ event.info }}"
"""The same message in upstream's names and in ours."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="for each case, in several rounds")
    parser.add_argument("--json", action="store_true", help="write the numbers as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.seconds)
    print(json.dumps(found, indent=2) if options.json else report(found))


def measure(folder: Path, seconds: float) -> dict[str, Any]:
    """Return all numbers; times in milliseconds, rates per second."""
    shown = certificate(folder)
    environment = {"MISP_WORKFLOW_STATE": str(folder / "state"), "MISP_WORKFLOW_CONFIG": str(folder / "settings.toml")}
    # The one tells our actions whom to trust, the other upstream's.
    environment |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(shown))
    found: dict[str, Any] = {}
    quick, stop_quick = receiver()
    secure, stop_secure = receiver(certificate=shown)
    silent, stop_silent = receiver(hangs=True)
    settings = folder / "settings.toml"
    settings.touch(mode=0o600)
    settings.write_text(
        f'[destinations.storm]\ndigest = 600\n[destinations.storm.parameters]\nwebhook_url = "{quick}/storm"\n'
    )
    try:
        with MispModulesServer(environment=environment) as server:
            cases = _cases(quick) | _cases_over_tls(secure)
            loads = _in_turns(server, folder / "state", cases, seconds / ROUNDS)
            rates = {name: [load.per_second for load in of_case] for name, of_case in loads.items()}
            for name, of_case in loads.items():
                took = [one for load in of_case for one in load.times]
                found[name] = {"per_second": statistics.median(rates[name]), **_percentiles(took)}
                if delivered := sum(load.delivered for load in of_case):
                    found[name]["delivered_at_once"] = delivered / len(took)
            for number in (12, 40):
                found[f"testaction beside {number} calls that hang"] = _beside(server, silent, number, seconds)
            found["digest"] = _storm(server.port, folder / "state")
    finally:
        stop_quick()
        stop_secure()
        stop_silent()
    found["outbox"] = _outbox(folder / "outbox")
    found["ratios"] = {
        "wait against nextcloud_talk": _ratio(rates["slack_message, wait"], rates["nextcloud_talk"]),
        "wait against nextcloud_talk, TLS": _ratio(rates["slack_message, wait, TLS"], rates["nextcloud_talk, TLS"]),
        "queue against testaction": _ratio(rates["slack_message, queue"], rates["testaction"]),
        "digest against testaction": found["digest"]["ratio"],
    }
    for number in (12, 40):
        beside = found[f"testaction beside {number} calls that hang"]
        found["ratios"][f"testaction's p99 beside {number} hanging calls"] = beside["p99_ms"] / beside["alone_p99_ms"]
    return found


def _cases(quick: str) -> dict[str, tuple[str, Any]]:
    """Return what is called: the module and its parameters."""
    slack = _slack(quick)
    return {
        "testaction": ("testaction", []),
        "nextcloud_talk": ("nextcloud_talk", _talk(quick)),
        "slack_message, wait": ("slack_message", {**slack, "delivery": "wait"}),
        "slack_message, queue": ("slack_message", {**slack, "delivery": "queue"}),
        "slack_message, dry run": ("slack_message", {**slack, "dry_run": "true"}),
        "slack_message, wait, its own summary": ("slack_message", {**slack, "message": ""}),
    }


def _cases_over_tls(secure: str) -> dict[str, tuple[str, Any]]:
    return {
        "nextcloud_talk, TLS": ("nextcloud_talk", _talk(secure)),
        "slack_message, wait, TLS": ("slack_message", _slack(secure)),
    }


def _slack(receiver: str) -> dict[str, str]:
    return {"webhook_url": receiver + "/hook", "message": MESSAGE}


def _talk(receiver: str) -> dict[str, str]:
    talk = {"nextcloud_baseurl": receiver, "nextcloud_app_uuid_login": "bot", "app_access_token": "token"}
    return talk | {"nextcloud_conversation_token": "room", "message_template": TEMPLATE}


class Load(NamedTuple):
    """What calling for a while showed; times in seconds."""

    times: list[float]
    spent: float
    delivered: int  # of our own: the rest was queued

    @property
    def per_second(self) -> float:
        return len(self.times) / self.spent


def _in_turns(
    server: MispModulesServer, state: Path, cases: dict[str, tuple[str, Any]], seconds: float
) -> dict[str, list[Load]]:
    """Return the loads of each case, one of each round.

    In turns, because a machine that others use as well is quicker now and slower then.
    """
    loads: dict[str, list[Load]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (module, params) in cases.items():
            loads[name].append(_load(server.port, module, params, seconds))
            _settle(state)  # what it left to the workers is not the next one's
    return loads


# --- the clients ------------------------------------------------------------------------------------------------------


class Bodies:
    """The captured request, each time with another event, or with another attribute of one event."""

    def __init__(self, module: str, params: Any, capture: str = "event-publish") -> None:
        request = json.loads((CAPTURES / f"{capture}.json").read_bytes())
        event = request["data"]["Event"]
        if capture == "event-publish":
            event["info"] = MARK
        else:
            event["Attribute"][0] |= {"value": MARK, "uuid": MARK, "id": MARK}
        request.pop("matchingData", None)
        self._raw = json.dumps({**request, "module": module, "params": params}).encode()
        self._number = int(time.time() * 10_000) % 10**8  # ahead of all that came before, at any rate of calls
        self._lock = threading.Lock()

    def next(self) -> bytes:
        with self._lock:
            self._number += 1
        return self._raw.replace(MARK.encode(), b"bench %08d" % self._number)


def _load(port: int, module: str, params: Any, seconds: float) -> Load:
    """Let the clients, in a process of their own, call for so long."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(_clients, (port, module, params, WARM))  # the first calls import and connect
        return pool.apply(_clients, (port, module, params, seconds))


def _percentiles(times: list[float]) -> dict[str, float]:
    times = sorted(times)
    return {"p50_ms": statistics.median(times) * 1000, "p99_ms": times[int(len(times) * 0.99) - 1] * 1000}


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def _settle(state: Path) -> None:
    """Wait until the server has delivered what waits in its outbox, for a minute at most."""
    box, end = SqliteOutbox(state, window=600.0, max_bytes=2**30), time.monotonic() + 60
    try:
        while box.anything_waits() and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        box.close()


def _clients(port: int, module: str, params: Any, seconds: float) -> Load:
    bodies = Bodies(module, params)
    began = time.monotonic()

    def client() -> list[tuple[float, bool]]:
        found = []
        while time.monotonic() - began < seconds:
            start = time.monotonic()
            said = ask(port, bodies.next())
            took = time.monotonic() - start
            if "error" in said:
                raise RuntimeError(said["error"])
            found.append((took, isinstance(said["data"], dict) and said["data"]["status"] == "delivered"))
        return found

    with ThreadPoolExecutor(CLIENTS) as pool:
        done = [pool.submit(client) for _ in range(CLIENTS)]
        calls = [one for future in done for one in future.result()]
    times, delivered = zip(*calls, strict=True)
    return Load(list(times), time.monotonic() - began, sum(delivered))


def ask(port: int, body: bytes) -> Any:
    """One request, as MISP sends it: on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/query", body, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def _beside(server: MispModulesServer, silent: str, number: int, seconds: float) -> dict[str, float]:
    """Measure testaction alone, then while `number` calls of ours at a time go to a receiver that never answers."""
    alone = _percentiles(_load(server.port, "testaction", [], seconds).times)
    ends = time.monotonic() + seconds + 2
    bodies = Bodies("slack_message", {"webhook_url": f"{silent}/{number}"})
    slowest = [0.0]

    def call() -> None:
        while time.monotonic() < ends:
            start = time.monotonic()
            ask(server.port, bodies.next())
            slowest[0] = max(slowest[0], time.monotonic() - start)
            time.sleep(random.uniform(0.5, 1.5))  # again and again, but not so often that they alone fill the server

    callers = [threading.Thread(target=call) for _ in range(number)]
    for caller in callers:
        caller.start()
    time.sleep(0.5)
    load = _load(server.port, "testaction", [], seconds)
    beside = {"per_second": load.per_second, **_percentiles(load.times)}
    for caller in callers:
        caller.join()
    return {**beside, "alone_p99_ms": alone["p99_ms"], "our_slowest_ms": slowest[0] * 1000}


# --- a storm ----------------------------------------------------------------------------------------------------------


def _storm(port: int, state: Path) -> dict[str, float]:
    """Call for each attribute of an event, in turns with testaction, and see that one message comes of it all."""
    box = SqliteOutbox(state, window=600.0, max_bytes=2**30)
    loads: dict[str, list[Load]] = {"testaction": [], "slack_message": []}
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for _ in range(ROUNDS):
            for module, of_module in loads.items():
                params = {"destination": "storm"} if module == "slack_message" else []
                of_module.append(pool.apply(_saves, (port, module, params, STORM // ROUNDS)))
    rates = {module: [load.per_second for load in of_module] for module, of_module in loads.items()}
    box.requeue([entry.key for entry in box.each("waiting")])
    box.close()
    _settle(state)
    lines = map(json.loads, (state / "delivery.log").read_text().splitlines())
    told = [line.get("effects", 1) for line in lines if line["lane"] == "storm"]
    if told != [STORM]:
        raise RuntimeError(f"{STORM} calls became messages about {told}")
    times = [took for load in loads["slack_message"] for took in load.times]
    ratio = _ratio(rates["slack_message"], rates["testaction"])
    return {"per_second": statistics.median(rates["slack_message"]), **_percentiles(times), "ratio": ratio}


def _saves(port: int, module: str, params: Any, number: int) -> Load:
    bodies = Bodies(module, params, "attribute-after-save")

    def save(_: int) -> float:
        start = time.monotonic()
        said = ask(port, bodies.next())
        if "error" in said:
            raise RuntimeError(said["error"])
        return time.monotonic() - start

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        times = list(pool.map(save, range(number)))
    return Load(times, time.monotonic() - began, 0)


# --- the outbox -------------------------------------------------------------------------------------------------------


def _outbox(folder: Path, number: int = 1000) -> dict[str, float]:
    """Puts from eight threads, and claims with their ends from four, on the SQLite outbox."""
    box = SqliteOutbox(folder, window=600.0, max_bytes=2**30, key=KEY)

    def put(n: int) -> None:
        effect = Post(label="bench", url="http://127.0.0.1:9/", json={"text": "x" * 1000, "n": n})
        parcel = Parcel(key=f"bench-{n}", effect=effect, action="bench", created=time.time())
        box.put([Item(parcel=parcel, lane=f"lane {n % 4}", max_age=3600.0)], time.monotonic() + 60)

    def drain(_: int) -> int:
        drained = 0
        while (claim := box.claim(())) is not None:
            box.done(claim)
            drained += 1
        return drained

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(put, range(number)))
    filled = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        drained = sum(pool.map(drain, range(4)))
    emptied = time.monotonic()
    box.close()
    if drained != number:
        raise RuntimeError(f"{drained} of {number} came out of the outbox")
    return {"puts_per_second": number / (filled - began), "drains_per_second": number / (emptied - filled)}


def report(found: dict[str, Any]) -> str:
    """Return the numbers as a table."""
    lines = [f"{'':42} {'per second':>10} {'p50 ms':>8} {'p99 ms':>8}  delivered at once"]
    for name, one in found.items():
        if "per_second" in one:
            share = f"{one['delivered_at_once']:12.0%}" if "delivered_at_once" in one else ""
            lines.append(f"{name:42} {one['per_second']:10.0f} {one['p50_ms']:8.1f} {one['p99_ms']:8.1f} {share}")
    lines += ["", *(f"{name:42} {ratio:10.2f}" for name, ratio in found["ratios"].items())]
    lines += ["", *(f"outbox {name:35} {value:10.0f}" for name, value in found["outbox"].items())]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
