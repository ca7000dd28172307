"""Events by marking and destinations by clearance, from the settings file to the receiver: what arrives.

The tables are those of the guard's own tests (tests/guard/*.json); each row there is one event, with what each clearance
lets through: the items that arrive, or null when the event does not go at all.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guard_events import event_of
from leaks_kit import ACTION_FILES, World, Written, ask, scheme_of_a_broker, settle, variants, written
from planted_secrets import CORE, leaks, of_different_data

from misp_workflow.settings import DISTRIBUTIONS
from misp_workflow.testing.contract import ActionFile

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")

GUARD = Path(__file__).parents[1] / "guard"
LIST = "Items: {% for row in attributes %}{{ row.value }} {{ row.comment }} {% endfor %}"
WAYS: dict[str, dict[str, str]] = {
    "http_request": {},
    "slack_message": {"message": LIST},
    "email_message": {"message": LIST, "attachment": "csv", "recipients": "soc@example.org"},
    "zmq_message": {},
}
"""The actions that are tried: data as JSON, a chat, a mail with an attachment, a stream."""
LEVELS = {
    "tlp": ("clear", "green", "amber", "amber+strict", "red"),
    "pap": ("clear", "green", "amber", "red"),
    "distribution": ("0", "1", "2", "3"),
}


def table(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((GUARD / f"{name}.json").read_text())
    return rows


@pytest.fixture(params=sorted(WAYS))
def way(request: pytest.FixtureRequest) -> ActionFile:
    if request.param == "zmq_message":
        pytest.importorskip("zmq", reason="pyzmq, the extra [zmq], is not installed here")
    return ActionFile.load(next(path for path in ACTION_FILES if path.stem == request.param))


@pytest.fixture
def destinations(world: World, rules: Callable[[str], None]) -> None:
    """One destination for each level of each table, and nothing said about those that name none."""
    lines = []
    for scheme, levels in LEVELS.items():
        for level in levels:
            lines.append(f'[destinations."{scheme} {level}"]')
            lines.append('tlp = "red"' if scheme != "tlp" else f'tlp = "{level}"')
            if scheme == "pap":
                lines.append(f'pap = "{level}"')
            if scheme == "distribution":
                lines.append(f'distribution = "{DISTRIBUTIONS[int(level)]}"\nsharing_groups = ["7"]')
    rules(world.settings("\n".join(lines)))


def named(row: dict[str, Any], number: int, kind: str) -> dict[str, str]:
    """Return a value for each item of the row that stands nowhere else; its end says which row it is of."""
    return {name: f"{kind}{number}item{place}z" for place, name in enumerate(row["items"])}


def data_of(row: dict[str, Any], number: int, scheme: str) -> dict[str, Any]:
    """Return the event of a row. What an item says of itself stands in its comment, too."""
    names = named(row, number, scheme)
    values = {name: ("object:" if name.startswith("object:") else "") + names[name] for name in row["items"]}
    by_tags = scheme != "distribution"
    items = {values[name]: said if by_tags else [] for name, said in row["items"].items()}
    data = event_of(row["event"] if by_tags else ["tlp:clear"], items)
    event = data["Event"]
    event |= {"info": f"Row {number}", "uuid": f"00000000-0000-4000-8000-{number:012}"}
    attributes = [*event["Attribute"], *event["_AttributeFlattened"], *(one["Attribute"][0] for one in event["Object"])]
    for attribute in attributes:
        attribute["comment"] = f"about {attribute['value'].removeprefix('object:')}"
    if not by_tags:
        event |= _distributed(row["event"])
        for attribute in attributes:
            name = next(name for name, value in values.items() if value == attribute["value"])
            attribute |= _distributed(row["items"][name])
    return data


def _distributed(said: Any) -> dict[str, Any]:
    level, slash, group = said.partition("/") if isinstance(said, str) else (said, "", "")
    return {"distribution": level, "sharing_group_id": group} if slash else {"distribution": level}


def send(way: ActionFile, world: World, data: dict[str, Any], destination: str, selected: bool) -> tuple[Any, bytes]:
    """Return the answer and everything that arrived."""
    world.clear()
    params = world.params(way, **WAYS[way.name], selected_or_all="all", destination=destination)
    body: dict[str, Any] = {"module": way.name, "data": data, "params": params}
    if selected:
        event = data["Event"]
        body["filteredItems"] = [*event["Attribute"], *(row for one in event["Object"] for row in one["Attribute"])]
    said = way.ask(json.dumps(body).encode())
    if way.name == "zmq_message" and "data" in said:
        world.wait_for_stream()
    return said, b"\n".join(content for _, content in world.arrived())


@pytest.mark.usefixtures("destinations")
@pytest.mark.parametrize("selected", [False, True], ids=["whole event", "selected items"])
@pytest.mark.parametrize("scheme", sorted(LEVELS))
def test_what_arrives(scheme: str, selected: bool, way: ActionFile, world: World):
    wrong = []
    for number, row in enumerate(table(scheme)):
        names, data = named(row, number, scheme), data_of(row, number, scheme)
        for level in LEVELS[scheme]:
            wanted = row["arrives"][level]
            said, arrived = send(way, world, data, f"{scheme} {level}", selected)
            found = sorted(name for name, value in names.items() if value.encode() in arrived)
            where = f"{row['name']}, {scheme} {level}"
            if wanted is None and (arrived or "Nothing was sent" not in said.get("error", "")):
                wrong.append(f"{where}: must not go at all; {found} arrived, MISP heard {said}")
            elif wanted is not None and found != sorted(wanted):
                wrong.append(f"{where}: {found} arrived instead of {wanted}, MISP heard {said}")
            elif wanted is not None and len(wanted) < len(names) and b"withheld" not in arrived:
                wrong.append(f"{where}: nobody was told that something is withheld")
    settle()
    assert wrong == []


def test_without_settings_red_stays_at_home(world: World, way: ActionFile):
    """A node that names no destination, with no settings about clearance: amber+strict."""
    for number, row in enumerate(table("tlp")):
        names, data = named(row, number, "tlp"), data_of(row, number, "tlp")
        said, arrived = send(way, world, data, "", False)
        wanted = row["arrives"]["amber+strict"]
        assert sorted(name for name, value in names.items() if value.encode() in arrived) == sorted(wanted or []), row
        assert ("error" in said) == (wanted is None)


@pytest.fixture(scope="session")
def red(captures: dict[str, Any]) -> list[Written]:
    """Every captured body, marked in every way that MISP knows, in every place."""
    found = []
    for number, body in enumerate(of_different_data(captures).values()):
        data = copy.deepcopy(body["data"])
        redden(data, number)
        found.append(written({"data": data}))
    return found


def test_what_is_red_arrives_nowhere_by_any_action(action: ActionFile, world: World, red: list[Written]):
    """Told by every template."""
    config = action.module.version()["config"]
    *_, more = variants(action)
    for body in red:
        said = ask(action, body, world.params(action, **{**more, "selected_or_all": "all"}))
        if scheme_of_a_broker(action):
            assert leaks({"the dry run": json.dumps(said).encode()}) == []
    settle()
    at_home = "-" if config.get("leaves_home", not config["blocking"]) else "misp"
    assert leaks((where, content) for where, content in world.arrived() if not where.startswith(at_home)) == []


RED = ("tlp:red", "TLP:Red", "tlp:unclear", 'acme:tlp="red"')


def redden(value: Any, number: int) -> None:
    """Mark every item below the event as red, and put a secret into its texts."""
    if isinstance(value, list):
        for item in value:
            redden(item, number)
    if not isinstance(value, dict):
        return
    for item in value.values():
        redden(item, number)
    if "uuid" in value and {"value", "content", "note", "meta-category"} & value.keys() and "orgc_id" not in value:
        tag = {"name": RED[number % len(RED)]}
        value.update([{"Tag": [tag]}, {"AttributeTag": [{"Tag": tag}]}, {"_allTags": {"3": tag}}][number % 3])
        value.update({name: f"{CORE} {name}" for name in ("value", "comment", "content", "name") if name in value})


MARKED = 'tlp = "amber"\n[defaults.markings]\n"acme:internal*" = "red"\n"tlp:unclear" = "green"\n'


@pytest.mark.parametrize(
    ("settings", "event", "items", "arrive"),
    [
        ('unmarked = "red"', [], {"a": []}, None),
        ('unmarked = "green"\ntlp = "green"', [], {"a": [], "b": ["tlp:amber"]}, ["a"]),
        ('pap = "green"', [], {"a": []}, None),
        ('pap = "green"\nunmarked_pap = "green"', [], {"a": [], "b": ["PAP:AMBER"]}, ["a"]),
        (MARKED, ["tlp:clear"], {"a": ["ACME:Internal-only"], "b": ["tlp:unclear"], "c": ["acme:open"]}, ["b", "c"]),
        (MARKED, ["acme:internal"], {"a": []}, None),
        (
            'tlp = "green"\npap = "green"',
            ["tlp:green", "pap:green"],
            {"a": ["tlp:amber"], "b": ["pap:red"], "c": []},
            ["c"],
        ),
    ],
)
def test_what_the_operator_says_of_markings(
    settings: str,
    event: list[str],
    items: dict[str, list[str]],
    arrive: list[str] | None,
    way: ActionFile,
    world: World,
    rules: Callable[[str], None],
):
    rules(world.settings(f"[defaults]\n{settings}"))
    row = {"event": event, "items": items}
    said, arrived = send(way, world, data_of(row, 1, "own"), "", False)
    found = [name for name, value in named(row, 1, "own").items() if value.encode() in arrived]
    assert (found, "error" in said) == (arrive or [], arrive is None), said


HASHES = {name: f"{number:032x}" for number, name in enumerate("abcdefgh", start=0xC0FFEE)}


@pytest.mark.parametrize("asking", ["hashlookup_check", "misp_enrichment"])
@pytest.mark.parametrize("bound", ["node", "destination"])
def test_nobody_is_asked_about_what_pap_keeps_back(asking: str, bound: str, world: World, rules: Callable[[str], None]):
    """The node's own `pap`, and the destination's."""
    action = ActionFile.load(next(path for path in ACTION_FILES if path.stem == asking))
    rules(
        world.settings("\n".join(f'[destinations."{level}"]\npap = "{level}"\ntlp = "red"' for level in LEVELS["pap"]))
    )
    wrong = []
    for number, row in enumerate(table("pap")):
        data = data_of(row, number, "pap")
        event = data["Event"]
        names = dict(zip(row["items"], HASHES.values(), strict=False))
        for attribute in [
            *event["Attribute"],
            *event["_AttributeFlattened"],
            *(o["Attribute"][0] for o in event["Object"]),
        ]:
            name = next(name for name, value in named(row, number, "pap").items() if attribute["value"].endswith(value))
            attribute |= {"type": "md5", "value": names[name]}
        for level in LEVELS["pap"]:
            world.clear()
            own = {"pap": level} if bound == "node" else {"pap": "red", "destination": level}
            event["timestamp"] = f"{number}{level}"
            params = world.params(action, selected_or_all="all", **own)
            said = action.ask(json.dumps({"module": asking, "data": data, "params": params}).encode())
            asked = b"\n".join(one.body for one in world.receiver.requests).lower()
            found = sorted(name for name, value in names.items() if value.encode() in asked)
            wanted = sorted(row["arrives"][level] or [])
            if found != wanted:
                wrong.append(f"{row['name']}, {level}: asked about {found} instead of {wanted}: {said}")
    settle()
    assert wrong == []
