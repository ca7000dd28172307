"""How a list changes: what comes, what goes, which word counts, what survives."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lists_kit import EVENT, ask, attribute, event, lines, shelf

from misp_workflow.delivery.lists.book import Book, Change
from misp_workflow.delivery.lists.values import Entry
from misp_workflow.delivery.transports import files
from misp_workflow.effects import FileUpdate, from_json, to_json

A, B = attribute("domain", "a.example"), attribute("domain", "b.example")


def send(name: str, at: float, put: tuple = (), gone: tuple = (), whole: bool = False):
    rows = tuple({key: row[key] for key in ("uuid", "type", "value")} for row in put)
    update = FileUpdate(destination=name, event=EVENT, put=rows, gone=gone, whole=whole, at=at)
    return files.send(from_json(to_json(update)), "key", time.monotonic() + 30)


def test_what_is_selected_and_for_detection_stands(keep) -> None:
    keep({"fw": {"format": "plain"}})
    rows = [A, {**B, "to_ids": False}, attribute("domain", "c.example", deleted=True)]
    assert "1 added" in ask(event(rows), "fw")["data"]["detail"]
    assert lines("fw") == ["a.example"]


@pytest.mark.parametrize(
    "then",
    [
        {"rows": [{**A, "to_ids": False}], "whole": False},
        {"rows": [{**A, "to_ids": "0"}], "whole": False},
        {"rows": [{**A, "deleted": True}], "whole": False},
        {"rows": [{**A, "Tag": [{"name": "status:false-positive"}]}], "whole": False},
        {"rows": [B], "whole": True},
        {"rows": [A, B], "whole": True, "params": {"event_goes": "true"}, "stands": []},
        {"rows": [], "whole": False, "published": False, "stands": []},
        {"rows": [{**A, "value": "b.example"}], "whole": False},
    ],
    ids=["to_ids off", "to_ids 0", "deleted", "tag", "left the event", "event goes", "unpublished", "corrected"],
)
def test_what_is_withdrawn_is_gone(keep, then: dict) -> None:
    keep({"fw": {"format": "plain"}})
    ask(event([A, B]), "fw")
    assert lines("fw") == ["a.example", "b.example"]
    params = {"withdraw_tags": "status:*", **then.get("params", {})}
    answer = ask(event(then["rows"], then["whole"], published=then.get("published", True)), "fw", **params)
    assert answer["data"]["status"] == "delivered", answer
    assert lines("fw") == then.get("stands", ["b.example"])
    assert shelf("fw").check().clean


@pytest.mark.parametrize(
    ("asked", "tag"),
    [
        ("tlp:amber+strict", "TLP:AMBER_STRICT"),
        ("TLP AMBER STRICT", "tlp:amber+strict"),
        ("tlp:white", "tlp:clear"),
        ("tlp:clear", "TLP:WHITE"),
        ("PAP:RED", "pap=red"),
        ("tlp:red", "tlp:purple"),  # which counts as red everywhere
    ],
)
@pytest.mark.parametrize("on", ["attribute", "event"])
def test_a_level_withdraws_however_it_is_spelt(keep, asked: str, tag: str, on: str) -> None:
    keep({"fw": {"format": "plain"}})
    ask(event([A]), "fw")
    tags = {"Tag": [{"name": tag}]}
    told = event([{**A, **tags}], False) if on == "attribute" else event([A], False, **tags)
    ask(told, "fw", withdraw_tags=f"tlp:green,{asked}")
    assert lines("fw") == []


def test_another_level_withdraws_nothing(keep) -> None:
    keep({"fw": {"format": "plain"}})
    ask(event([{**A, "Tag": [{"name": "tlp:amber"}]}]), "fw", withdraw_tags="tlp:amber+strict, PAP:AMBER")
    assert lines("fw") == ["a.example"]


def test_an_unpublished_event_may_stay(keep) -> None:
    keep({"fw": {"format": "plain"}})
    ask(event([A]), "fw")
    assert ask(event([], False, published=False), "fw", unpublished="keep")["data"]["status"] == "skipped"
    assert ask(event([], False), "fw")["data"]["status"] == "skipped"
    assert lines("fw") == ["a.example"]


def test_a_value_stands_as_long_as_one_attribute_says_so(keep) -> None:
    keep({"fw": {"format": "plain"}})
    twin = {**A, "uuid": "99999999-2222-4333-8444-555555555555"}
    ask(event([A, twin], whole=False), "fw")
    assert "0 added, 0 withdrawn" in ask(event([{**A, "to_ids": False}], whole=False), "fw")["data"]["detail"]
    assert lines("fw") == ["a.example"]
    ask(event([{**twin, "to_ids": False}], whole=False), "fw")
    assert lines("fw") == []


def test_without_a_selection_nothing_is_listed(keep) -> None:
    keep({"fw": {"format": "plain"}})
    ask(event([A]), "fw", selected_or_all="selected")
    assert lines("fw") == []


def test_the_later_word_counts_whichever_arrives_first(keep) -> None:
    keep({"fw": {"format": "plain"}})
    now = time.time()
    send("fw", now, gone=(A["uuid"],))
    assert "1 left as a later call said" in send("fw", now - 60, put=(A,)).detail
    assert lines("fw") == []
    send("fw", now + 1, put=(B,), whole=True)
    send("fw", now, put=(A, attribute("domain", "c.example")))  # before the event said all about itself
    assert lines("fw") == ["b.example"]
    send("fw", now + 2, put=(A,))
    assert lines("fw") == ["a.example", "b.example"]


def test_entries_end_in_time_and_keep_their_beginning(keep) -> None:
    keep({"fw": {"format": "jsonl", "keep": "1 h"}})
    now = time.time()
    send("fw", now - 3590, put=(A,))
    send("fw", now - 3700, put=(B,))
    (row,) = shelf("fw").rows()  # what was over already never stood there
    assert row.until == pytest.approx(now + 10) and row.since == pytest.approx(now - 3590)
    send("fw", now, put=(A,))
    (row,) = shelf("fw").rows()
    assert row.until == pytest.approx(now + 3600) and row.since == pytest.approx(now - 3590)


def test_rebuild_takes_out_what_has_lived_its_life(keep, monkeypatch) -> None:
    keep({"fw": {"format": "plain", "keep": "1 h"}})
    send("fw", time.time(), put=(A,))
    later = time.time() + 3700
    monkeypatch.setattr("misp_workflow.delivery.lists.shelf.time.time", lambda: later)
    assert shelf("fw").rebuild() == 0
    assert lines("fw") == []


def test_a_full_list_refuses_what_is_new_and_says_so(keep) -> None:
    keep({"fw": {"format": "plain", "most": 2}})
    assert ask(event([A, B]), "fw")["data"]["status"] == "delivered"
    said = ask(event([A, B, attribute("domain", "c.example")]), "fw")["error"]
    assert "full (2 entries): 1 found no room" in said
    assert lines("fw") == ["a.example", "b.example"]


def test_or_drops_the_oldest_where_the_settings_say_so(keep) -> None:
    keep({"fw": {"format": "plain", "most": 2, "when_full": "oldest"}})
    now = time.time()
    for seconds, row in enumerate((B, A, attribute("domain", "c.example"))):
        answer = send("fw", now + seconds, put=(row,))
    assert "1 of the oldest dropped" in answer.detail
    assert lines("fw") == ["a.example", "c.example"]


def test_what_is_left_out_is_counted_and_named(keep) -> None:
    keep({"fw": {"format": "plain", "reserved": False}}, own_domains=["acme.example"])
    rows = [
        A,
        attribute("ip-dst", "10.1.2.3"),
        attribute("ip-dst", "10.1.2.4"),
        attribute("domain", "www.acme.example"),
    ]
    said = ask(event([*rows, attribute("md5", "xyz")]), "fw")["data"]["detail"]
    assert "4 left out" in said and "10.1.2.3 is private" in said and "and 1 more" in said
    assert "www.acme.example is a name of our own" in said and "xyz is no md5" in said
    assert lines("fw") == ["a.example"]


def test_only_the_types_that_the_settings_name(keep) -> None:
    keep({"fw": {"format": "plain", "types": ["hostname"]}})
    ask(event([A, attribute("hostname", "h.example")]), "fw")
    assert lines("fw") == ["h.example"]


@pytest.mark.parametrize("types", [["Domain"], ["dom*", "sha256"], ["*"]])
def test_types_may_have_wildcards_and_capitals(keep, types: list[str]) -> None:
    keep({"a": {"format": "plain", "types": types}})
    ask(event([attribute("domain", "a.example.com")]), "a")
    assert lines("a") == ["a.example.com"]


@pytest.mark.parametrize("types", [["domains"], ["domain", "sha3"], [".*domain"]])
def test_a_type_that_nothing_has_is_said(keep, types: list[str]) -> None:
    keep({"a": {"format": "plain", "types": types}})
    said = ask(event([attribute("domain", "a.example.com")]), "a")["data"]
    assert said["status"] == "queued" and f"has “{types[-1]}”, which no list can hold" in said["detail"]


def test_warninglists_keep_out(keep) -> None:
    pytest.importorskip("pymispwarninglists")
    keep({"fw": {"format": "plain", "warninglists": ["List of RFC 5735*", "List of RFC 1918*"]}})
    ask(event([attribute("ip-dst", "10.0.0.7"), A]), "fw")
    for _ in range(600):
        if (name := shelf("fw")).path.exists():
            break
        time.sleep(0.1)  # "queued, because the lists are still being read"
    assert name.path.read_text().splitlines() == ["a.example"]


def test_what_is_above_the_clearance_leaves_the_list(keep) -> None:
    folder = keep({"fw": {"format": "plain"}})
    file = folder.parent / "settings.toml"
    file.write_text(file.read_text().replace('tlp = "red"', 'tlp = "green"\nunmarked = "green"'))
    ask(event([A, B]), "fw")
    ask(event([{**A, "Tag": [{"name": "tlp:red"}]}, B]), "fw")
    assert lines("fw") == ["b.example"]


@pytest.mark.parametrize(
    ("then", "stands"),
    [
        ({"rows": [{**A, "Tag": [{"name": "tlp:red"}]}], "published": False}, ["b.example"]),
        ({"rows": [A, B], "Tag": [{"name": "tlp:red"}]}, []),
        ({"rows": [{**A, "Tag": [{"name": "status:fp", "local": True}]}]}, ["b.example"]),
        ({"rows": [], "Tag": [{"name": "status:fp"}]}, []),
        ({"rows": [A], "Tag": [{"name": "status:fp"}]}, []),
        ({"rows": [], "published": False, "EventReport": [{"id": "1", "name": "x"}]}, ["a.example", "b.example"]),
    ],
    ids=["attribute too high", "event too high", "local tag", "event's tag", "event's tag, one of it", "report"],
)
def test_marks_and_tags_withdraw_what_they_are_on(keep, then: dict, stands: list[str]) -> None:
    folder = keep({"fw": {"format": "plain"}})
    file = folder.parent / "settings.toml"
    file.write_text(file.read_text().replace('tlp = "red"', 'tlp = "green"\nunmarked = "green"'))
    ask(event([A, B]), "fw")
    ask(event(then.pop("rows"), False, **then), "fw", withdraw_tags="status:*")
    assert lines("fw") == stands


def test_a_filter_that_selects_tags_takes_back_only_what_may_not_stand(keep) -> None:
    folder = keep({"fw": {"format": "plain"}})
    file = folder.parent / "settings.toml"
    file.write_text(file.read_text().replace('tlp = "red"', 'tlp = "green"\nunmarked = "green"'))
    ask(event([A, B]), "fw")
    assert "holds no attribute" in ask(event([A, B]), "fw", [{"name": "x"}])["data"]["detail"]
    assert lines("fw") == ["a.example", "b.example"]
    ask(event([{**A, "Tag": [{"name": "tlp:red"}]}, B]), "fw", [{"name": "x"}])
    assert lines("fw") == ["b.example"]


def test_no_list_no_folder_no_such_destination_are_told(keep) -> None:
    keep({"fw": {"format": "plain"}})
    assert "no destination is called" in ask(event([A]), "nowhere")["error"].lower()
    assert "destination" in ask(event([A]), "")["error"]


def test_nothing_is_ever_written_beside_the_folder(keep, tmp_path: Path) -> None:
    for name in ("../x", "a/b", ".hidden", "x y"):
        keep({"fw": {"format": "plain", "file": name}})
        assert "file" in ask(event([A]), "fw")["error"]
    target = tmp_path / "elsewhere"
    target.write_text("untouched")
    folder = keep({"fw": {"format": "plain"}})
    folder.mkdir()
    (folder / "fw.txt").symlink_to(target)
    ask(event([A]), "fw")
    assert target.read_text() == "untouched" and lines("fw") == ["a.example"]


def test_a_folder_that_cannot_be_written_keeps_the_effect(keep) -> None:
    folder = keep({"fw": {"format": "plain"}})
    folder.write_text("a file where the folder should be")
    assert "cannot be written" in ask(event([A]), "fw")["data"]["detail"]
    folder.unlink()
    assert send("fw", time.time(), put=(A,)).outcome == "delivered"


def test_a_large_event_is_listed_in_the_background(keep) -> None:
    keep({"fw": {"format": "plain"}})
    rows = [attribute("domain", f"n{number}.example") for number in range(3000)]
    said = ask(event(rows), "fw")
    assert said["data"]["status"] == "queued" and "3,000 values" in said["data"]["detail"]
    for _ in range(1200):
        if shelf("fw").path.exists():
            break
        time.sleep(0.05)
    assert len(lines("fw")) == 3000


WRITER = """
import random, sys, time
from misp_workflow.delivery.lists.values import Entry
from misp_workflow.delivery.transports import files
from misp_workflow.effects import FileUpdate
import misp_workflow.delivery.lists.shelf as shelf
number, seed, rounds = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
for turn in range(rounds):
    uuid = f"{number:08d}-0000-4000-8000-{chance.randrange(5):012d}"
    put = ({"uuid": uuid, "type": "domain", "value": f"w{number}-{turn}.example"},) if chance.random() < 0.7 else ()
    update = FileUpdate(destination="fw", event="e", put=put, gone=() if put else (uuid,), at=time.time())
    while files.send(update, "key", time.monotonic() + 60).outcome != "delivered":
        pass
    print(uuid, put[0]["value"] if put else "-", flush=True)
"""


def _writer(told: Path, number: int, rounds: int) -> subprocess.Popen[bytes]:
    """Start a process that writes to the list, and into the file `told` what it was told is delivered."""
    command = [sys.executable, "-c", WRITER, str(number), str(number), str(rounds)]
    with told.open("wb") as out:
        return subprocess.Popen(command, stdout=out)


def _kill(writer: subprocess.Popen[bytes], told: Path, pause: float) -> None:
    """Kill the process so many seconds after it was told the first time."""
    while not told.stat().st_size and writer.poll() is None:
        time.sleep(0.001)
    time.sleep(pause)
    writer.kill()
    writer.wait()


def test_many_processes_killed_at_random_lose_nothing(keep, tmp_path: Path) -> None:
    """What a writer was told is delivered stands, or was replaced by its own later word; no line is ever broken."""
    keep({"fw": {"format": "plain"}})
    chance = random.Random(5)
    files_told = [tmp_path / f"told-{number}" for number in range(12)]
    writers = [_writer(told, number, 8 if number % 2 else 1000) for number, told in enumerate(files_told)]
    for number in range(0, 12, 2):
        _kill(writers[number], files_told[number], chance.uniform(0.0, 0.1))
    said = {}
    for number, writer in enumerate(writers):
        writer.wait()
        said[number] = dict(line.split() for line in files_told[number].read_text().splitlines())
    shelf("fw").publish()
    assert shelf("fw").check().clean
    published = set(lines("fw"))
    killed = {number for number, writer in enumerate(writers) if writer.returncode}
    for number, words in said.items():
        wanted = {value for value in words.values() if value != "-"}
        if number in killed:  # one word more may have been written than was told
            assert len(wanted - published) <= 1
        else:
            assert wanted == {line for line in published if line.startswith(f"w{number}-")}


def test_killed_anywhere_it_leaves_the_old_file_or_the_new_one(keep, tmp_path: Path) -> None:
    keep({"fw": {"format": "plain"}})
    send("fw", time.time(), put=tuple(attribute("domain", f"n{number}.example") for number in range(500)))
    for turn in range(12):
        told = tmp_path / f"told-{turn}"
        _kill(_writer(told, turn, 1000), told, turn * 0.01)
        content = shelf("fw").path.read_bytes()
        assert content.endswith(b".example\n") and content.count(b"\n") >= 500
    shelf("fw").publish()
    assert shelf("fw").check().clean
    assert not list((tmp_path / "lists").glob(".*")), "leavings of the killed"


def test_a_large_change_stays_in_memory_until_it_is_written(tmp_path: Path) -> None:
    """What does not fit is written into the journal and read again, which costs more the longer the list is."""
    book = Book(tmp_path / "state" / "lists" / "one.sqlite3")
    put = {f"{number:036d}": [Entry("domain", f"n{number}.example")] for number in range(30_000)}
    with book.writing() as page:
        page.apply(Change(event=EVENT, at=1.0, put=put, gone=(), whole=True, until=0.0), 100_000, drop_oldest=False)
        assert Path(f"{book.path}-wal").stat().st_size < 1_000_000
