"""What large events cost: python bench/big.py [--attributes 10000 50000 100000] [--server] [--json | --tables]

In this process: `dict_handler` of a gate with two tag rules, of slack_message, and of http_request with the whole
event, against `orjson.loads` of the same body. With --server: a whole query through the real misp-modules, and the
server's memory, against a module that answers at once from its own `dict_handler` in the same server. What counts is
processor time, of this process or of the server; the receiver has a process of its own. The attributes are copies of
one that a real MISP sent, each with its own id, uuid, value and comment, three tags each. With several sizes: how much
more the last takes than the first, and how much more the yardsticks do. Only ratios within one run say anything. The
answer may take as long as settings can allow: what is measured is the work. 100,000 attributes need about 8 GB of
memory. --tables writes those of docs/big-events.md, seconds on the clock among them: for a machine that is idle.
"""

from __future__ import annotations

import argparse
import copy
import gc
import http.client
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).parent))
from receivers import receiver

from misp_workflow.testing import MispModulesServer

ROOT = Path(__file__).resolve().parents[1]
CAPTURE = ROOT / "tests" / "captures" / "event-publish.json"
ACTIONS = ROOT / "misp_modules" / "modules" / "action_mod"
ROUNDS = 5
SETTINGS = 'answer_within = "60 s"\n'
TABLED = (10_000, 25_000, 50_000)
"""Attributes of the events in the tables of docs/big-events.md."""
TICK = 0.01
"""Seconds: as little processor time of another process as the system tells."""
WITHIN = (4, 8, 10)
"""Seconds for which those tables say how many attributes a gate can judge."""
LARGE = 50_000
"""Attributes from which on the memory of one call says more than what a server needs once."""
GROWTH = 1.1
"""Times as much as the number of attributes grows."""
GATE = {"required_tags": "*", "forbidden_tags": "tlp:red", "tag_scope": "any", "minimum_attributes": "1"}
AT_MOST = {
    "gate": 0.3,
    "slack_message": 0.3,
    "slack_message, 1 in 100 withheld": 0.5,
    "slack_message, all tags selected": 0.5,
    "slack_message, 1 in 100 withheld, all tags selected": 1.0,
    "http_request of all, dry run": 0.6,
    "http_request of all, sent": 1.5,
    "query, gate": 1.2,
    "query, slack_message": 1.2,
    "memory above, gate": 0.3,
    "memory above, slack_message": 0.3,
}
YARDSTICKS = ("orjson.loads", "query, nothing")
NOTHING = """moduleinfo = {"version": "1", "description": "", "module-type": ["action"], "name": "nothing"}
moduleconfig = {"params": {}, "blocking": True, "support_filters": False, "expect_misp_core_format": False}
def handler(q=False): return {"data": True} if q else False
def dict_handler(request): return {"data": True}
def introspection(): return {"config": moduleconfig}
def version(): return {**moduleinfo, "config": moduleconfig}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attributes", type=int, nargs="+", help="of each event; 10000 by default")
    parser.add_argument("--server", action="store_true", help="measure whole queries through misp-modules as well")
    parser.add_argument("--json", action="store_true", help="write the numbers as JSON")
    parser.add_argument("--tables", action="store_true", help="write the tables of docs/big-events.md")
    options = parser.parse_args()
    sizes = options.attributes or (TABLED if options.tables else (10_000,))
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.toml"
        settings.write_text(SETTINGS)
        os.environ |= {"MISP_WORKFLOW_STATE": folder, "MISP_WORKFLOW_CONFIG": str(settings)}
        seconds = {number: measure(number, options.server or options.tables) for number in sizes}
    if options.tables:
        print(tables(seconds))
        return
    found = {f"{number} attributes": told(number, each) for number, each in seconds.items()}
    grown = growth(seconds) if len(seconds) > 1 else {}
    print(
        json.dumps(found | grown, indent=2) if options.json else report(found, AT_MOST) + report(grown, limits(seconds))
    )


def measure(attributes: int, server: bool) -> dict[str, float]:
    """Return the seconds that each case takes, and the bytes of memory, the request's among them."""
    clean, marked = event(attributes), event(attributes, withheld=100)
    body = request("publish_gate", clean, GATE)
    url, stop = receiver()
    try:
        chat = {"webhook_url": f"{url}/hook", "dry_run": "true"}
        post = {"url": f"{url}/all", "selected_or_all": "all"}
        found = {"bytes": float(len(body)), **in_process(body, clean, marked, chat, post)}
        del marked, body
        return found | (through_server(clean, chat) if server else {})
    finally:
        stop()


def told(attributes: int, took: dict[str, float]) -> dict[str, float]:
    """Return all in parts of `orjson.loads`, of the query to the module that does nothing, or of the request."""
    found = {"megabytes": took["bytes"] / 1e6, "seconds of orjson.loads": took["orjson.loads"]}
    for name in AT_MOST:
        ours = name.removeprefix("memory above, ")
        if name.startswith("query") and name in took:
            found[name] = took[name] / took["query, nothing"]
        elif ours != name and f"memory, {ours}" in took:
            above = " (the server's own)" if attributes < LARGE else ""
            found[name + above] = (took[f"memory, {ours}"] - took["memory, nothing"]) / took["bytes"]
        elif name in took:
            found[name] = took[name] / took["orjson.loads"]
    for name in ("nothing", "gate"):
        if f"clock, {name}" in took:
            found[f"seconds on the clock, {name}"] = took[f"clock, {name}"]
    return {name: round(number, 2) for name, number in found.items()}


def growth(seconds: dict[int, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return how many times as long each case takes for the last number of attributes as for the first."""
    few, many = min(seconds), max(seconds)
    before, after = seconds[few], seconds[many]
    grown = {name: round(after[name] / before[name], 2) for name in (*YARDSTICKS, *AT_MOST) if name in before}
    return {f"from {few} to {many} attributes": grown}


def limits(seconds: dict[int, Any]) -> dict[str, float]:
    """Return how much longer each may take at most."""
    few, many = min(seconds), max(seconds)
    return dict.fromkeys(AT_MOST, round(GROWTH * many / few, 1))


def in_process(body: bytes, clean: Any, marked: Any, chat: dict[str, str], post: dict[str, str]) -> dict[str, float]:
    cases: dict[str, Callable[[], Any]] = {
        "orjson.loads": lambda: orjson.loads(body),
        "gate": asking("publish_gate", clean, GATE),
        "slack_message": asking("slack_message", clean, chat),
        "slack_message, 1 in 100 withheld": asking("slack_message", marked, chat),
        "slack_message, all tags selected": asking("slack_message", clean, chat, tags_of(clean)),
        "slack_message, 1 in 100 withheld, all tags selected": asking("slack_message", marked, chat, tags_of(marked)),
        "http_request of all, dry run": asking("http_request", clean, {**post, "dry_run": "true"}),
        "http_request of all, sent": asking("http_request", clean, post),
    }
    return in_turns(cases)


def through_server(clean: Any, chat: dict[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "action_mod"
        own.mkdir()
        (own / "answers_at_once.py").write_text(NOTHING)
        for file in ACTIONS.glob("*.py"):
            (own / file.name).symlink_to(file)
        bodies = {
            "nothing": request("answers_at_once", clean, {}),
            "gate": request("publish_gate", clean, GATE),
            "slack_message": request("slack_message", clean, chat),
        }
        least, fastest = (dict.fromkeys(bodies, float("inf")) for _ in range(2))
        slowest = dict.fromkeys(bodies, 0.0)
        with ExitStack() as stack:  # a server for each: what one leaves in memory is not the next one's
            environment = {"MISP_WORKFLOW_STATE": folder}
            servers = {
                name: stack.enter_context(MispModulesServer(custom=folder, environment=environment)) for name in bodies
            }
            for _ in range(ROUNDS):
                for name, body in bodies.items():
                    took, clock = query(servers[name], body)
                    least[name], fastest[name] = min(least[name], took), min(fastest[name], clock)
                    slowest[name] = max(slowest[name], clock)
            peaks = {name: peak(server.pid) for name, server in servers.items()}
    for name in bodies:
        found |= {f"query, {name}": least[name], f"clock, {name}": fastest[name], f"memory, {name}": float(peaks[name])}
        found[f"slowest clock, {name}"] = slowest[name]
    return found


def event(attributes: int, withheld: int = 0) -> dict[str, Any]:
    """Return the data of a captured request with so many attributes, one in `withheld` of them TLP:RED."""
    data: dict[str, Any] = copy.deepcopy(json.loads(CAPTURE.read_text())["data"])
    model = next(row for row in data["Event"]["Attribute"] if "tlp:red" not in json.dumps(row))
    rows = []
    for number in range(attributes):
        value = f"host-{number}.example.org"
        own = {"id": str(number), "uuid": f"{number:08x}-0000-4000-8000-000000000000", "value": value}
        row = {**model, **own, "comment": f"seen {number} times"}
        rows.append({**row, "Tag": [{"name": "tlp:red"}]} if withheld and number % withheld == 0 else row)
    data["Event"] |= {"Attribute": rows, "Object": [], "_AttributeFlattened": rows}
    found: dict[str, Any] = orjson.loads(orjson.dumps(data))
    return found


def tags_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a filter selects that asks for the tags of all attributes."""
    rows = data["Event"]["_AttributeFlattened"]
    tags = [tag for row in rows for tag in (*row.get("Tag", ()), *row["_allTags"])]
    found: list[dict[str, Any]] = orjson.loads(orjson.dumps(tags))
    return found


def request(module: str, data: Any, params: dict[str, str]) -> bytes:
    return orjson.dumps({"module": module, "data": data, "params": params})


def asking(name: str, data: Any, params: dict[str, str], selected: Any = None) -> Callable[[], Any]:
    """Return what asks the module once, each time about a later state of the event: no call is a repetition."""
    module, times = load(name), iter(range(10**9))
    given = {**dict.fromkeys(module.version()["config"]["params"], ""), **params}

    def ask() -> Any:
        data["Event"]["timestamp"] = str(next(times))
        said = module.dict_handler({"module": name, "data": data, "params": given, "filteredItems": selected})
        if "error" in said:
            raise SystemExit(f"{name}: {said['error']}")
        return said

    return ask


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ACTIONS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_turns(cases: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the fastest run of each case, all measured in turns."""
    fastest = dict.fromkeys(cases, float("inf"))
    for _ in range(ROUNDS):
        for name, work in cases.items():
            gc.collect()
            start = time.process_time()
            made = work()
            fastest[name] = min(fastest[name], time.process_time() - start)
            del made
    return fastest


def query(server: MispModulesServer, body: bytes) -> tuple[float, float]:
    """Return the seconds of the server's processor time, and those on the clock."""
    before, start = spent(server.pid), time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    connection.request("POST", "/query", body, {"Content-Type": "application/json"})
    said = json.loads(connection.getresponse().read())
    connection.close()
    if "error" in said:
        raise SystemExit(said["error"])
    clock = time.perf_counter() - start
    return spent(server.pid) - before, clock


def spent(process: int) -> float:
    """Return the seconds of processor time that a process has had (Linux)."""
    times = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def peak(process: int) -> int:
    """Return the most bytes that a process has had in memory (Linux)."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


# --- the tables of docs/big-events.md ---------------------------------------------------------------------------------


def tables(seconds: dict[int, dict[str, float]]) -> str:
    """Return them in Markdown, each number from this one run."""
    few, many = min(seconds), max(seconds)
    whole = [[f"{number:,}", *_whole_query(each)] for number, each in seconds.items()]
    judged = [[f"{within} s", f"{judged_within(seconds, within):,}"] for within in WITHIN]
    own = _compared(seconds, "orjson.loads", [name for name in AT_MOST if not name.startswith(("query", "memory"))])
    queries = _compared(seconds, "query, nothing", [name for name in AT_MOST if name.startswith("query")])
    sizes = [f"{few:,}", f"{many:,}", "grows"]
    return "\n".join(
        [
            *_table(
                ["attributes", "request", "nothing", "`publish_gate`", "memory of the server, with nothing"], whole
            ),
            *_table(["within", "attributes"], judged),
            *_table(["", *sizes], own),
            *_table(["", *sizes], queries),
        ]
    )


def _whole_query(found: dict[str, float]) -> list[str]:
    spans = [f"{found[f'clock, {name}']:.1f}–{found[f'slowest clock, {name}']:.1f} s" for name in ("nothing", "gate")]
    memory = ", ".join(f"{found[f'memory, {name}'] / 1e9:.2f} GB" for name in ("gate", "nothing"))
    return [f"{found['bytes'] / 1e6:.0f} MB", *spans, memory]


def judged_within(seconds: dict[int, dict[str, float]], within: float) -> int:
    """Return how many attributes a gate judges in that time at its slowest: as between the sizes next to it."""
    before, clock = 0, 0.0
    for number, found in sorted(seconds.items()):
        each = (found["slowest clock, gate"] - clock) / (number - before)
        if found["slowest clock, gate"] >= within:
            break
        before, clock = number, found["slowest clock, gate"]
    return int(round(before + max(within - clock, 0.0) / max(each, 1e-9), -3))


def _compared(seconds: dict[int, dict[str, float]], yardstick: str, names: list[str]) -> list[list[str]]:
    """Return the yardstick's seconds, and each of the others in parts of them, for the first and the last size."""
    few, many = (
        {name: number or TICK for name, number in seconds[size].items()} for size in (min(seconds), max(seconds))
    )
    rows = [[yardstick, *(f"{found[yardstick]:.2f} s" for found in (few, many))]]
    rows += [[name, *(f"{found[name] / found[yardstick]:.2f}" for found in (few, many))] for name in names]
    return [[*row, f"{many[row[0]] / few[row[0]]:.1f} times"] for row in rows]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)] + [""]


def report(found: dict[str, dict[str, float]], most: dict[str, float]) -> str:
    text = ""
    for title, numbers in found.items():
        rows = [f"  {name:52} {number:>8}{verdict(number, most.get(name))}\n" for name, number in numbers.items()]
        text += "".join([f"{title}\n", *rows])
    return text


def verdict(number: float, most: float | None) -> str:
    """Return whether what the project aims at is met, where it aims at something."""
    return "" if most is None else f"  at most {most}: {'met' if number <= most else 'missed'}"


if __name__ == "__main__":
    main()
