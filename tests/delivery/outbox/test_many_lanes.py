"""Many destinations, many effects: a claim costs the same, and a person who looks gets a page at once."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from misp_workflow.delivery.lanes import MOST_LANES, MOST_WELL, SLOW, Lanes
from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Parcel, Post

ILL = Answer(outcome="again", detail="nothing listens", down=True)


class Filled:
    """An outbox with `lanes` lanes and as many effects on each, all due; counts what SQLite does."""

    def __init__(self, folder: Path, lanes: int, each: int = 1) -> None:
        self.box = SqliteOutbox(folder, window=600.0, max_bytes=2**30)
        self.steps = 0
        effect = Post(label="m", url="http://127.0.0.1:9/", json={"text": "x" * 500})
        parcel = Parcel(key="k", effect=effect, action="test", event="", created=0.0)
        self.box.put([Item(parcel=parcel, lane="healthy", max_age=9e6)], time.monotonic() + 20)
        with sqlite3.connect(folder / "outbox.sqlite3", isolation_level=None) as file:
            file.execute("BEGIN")
            file.execute(
                "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ?)"
                " INSERT INTO effects (key, state, lane, label, action, destination, event, created, expires, due, sealed)"
                " SELECT 'e' || n, 'waiting', 'http://h' || (n % ?), 'm', 'test', '', '', created - 9, expires, due - 9,"
                " sealed FROM n, effects WHERE key = 'k'",
                (lanes * each - 1, lanes),
            )
            file.execute("COMMIT")
        file.close()
        self.box._disk.run(self._count, time.monotonic() + 20)
        self.box.pause(())
        self._count(self.box._disk.reader._connection)

    def _count(self, db: sqlite3.Connection) -> None:
        db.set_progress_handler(self._step, 50)

    def _step(self) -> int:
        self.steps += 1
        return 0

    def cost(self, avoid, claims: int = 5) -> int:
        """Return what so many claims cost that find something."""
        self.steps = 0
        for _ in range(claims):
            assert self.box.claim(avoid) is not None
        return self.steps


@pytest.fixture
def filled(tmp_path: Path) -> Iterator:
    made: list[Filled] = []

    def fill(lanes: int, each: int = 1) -> Filled:
        made.append(Filled(tmp_path / f"{lanes}-{each}", lanes, each))
        return made[-1]

    yield fill
    for one in made:
        one.box.close()


@pytest.mark.parametrize(("few", "many"), [((10, 1), (4000, 1)), ((2, 5), (2, 2000))])
def test_a_claim_costs_the_same_for_many_lanes_and_for_many_effects(filled, few, many) -> None:
    small, large = filled(*few).cost(()), filled(*many).cost(())
    assert large <= 2 * small + 10


def test_to_gather_one_more_costs_the_same_however_many_wait(filled) -> None:
    costs = []
    for one in (filled(10), filled(10, 500)):
        for key in ("a", "b", "c"):
            one.steps = 0
            effect = Post(label="m", url="http://127.0.0.1:9/", json={"text": key}, digest=("json.text",))
            parcel = Parcel(key=key, effect=effect, action="test", event="", created=0.0)
            put = Item(parcel=parcel, lane="storm", max_age=9e6, gather=600.0)
            assert one.box.put([put], time.monotonic() + 20) == ["taken"]
        costs.append(one.steps)
    assert costs[1] <= 2 * costs[0] + 10


class Ill:
    """All lanes but one are left alone, for so long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked = 0

    def __contains__(self, name: object) -> bool:
        self.asked += 1
        return name != "healthy"

    def rest(self, name: str) -> float:
        return self.seconds


def test_lanes_that_are_left_alone_are_looked_at_once_and_the_healthy_one_gets_its_turn(filled) -> None:
    one = filled(2000)
    ill = Ill(300.0)
    while (claim := one.box.claim(ill)) is None:
        assert one.box.pause(ill) == 0.0, "there is more to look at"
    assert claim.lane == "healthy"
    assert ill.asked < 3 * 2000
    one.box.again(claim, 0.0, "")
    one.box._disk.run(lambda db: None, time.monotonic() + 20)
    ill.asked = 0
    again = one.box.claim(ill)
    assert again is not None
    assert again.lane == "healthy"
    assert ill.asked < 10, "those that were put off are not looked at again"


def test_a_lane_that_is_busy_for_a_moment_is_passed_over_and_not_put_off(filled) -> None:
    one = filled(3)
    claim = one.box.claim(Ill(math.inf))
    assert claim is not None
    assert claim.lane == "healthy"
    assert one.box.claim(()).lane == "http://h0"


def test_a_lane_that_is_put_off_comes_back_with_the_next_effect_for_it(filled) -> None:
    one = filled(1)
    assert one.box.claim(Ill(300.0)).lane == "healthy"
    assert one.box.claim(()) is None, "it was put off for all"
    parcel = Parcel(key="new", effect=Post(url="http://127.0.0.1:9/"), action="test", event="", created=0.0)
    one.box.put([Item(parcel=parcel, lane="http://h0", max_age=9e6)], time.monotonic() + 20)
    assert one.box.claim(()).lane == "http://h0"


def test_what_no_lane_row_speaks_of_is_found_when_the_file_is_opened(filled, tmp_path: Path) -> None:
    one = filled(2)
    one.box._disk.run(lambda db: db.execute("DELETE FROM lanes"), time.monotonic() + 20)
    assert one.box.claim(()) is None
    other = SqliteOutbox(tmp_path / "2-1", window=600.0, max_bytes=2**30)
    try:
        other.drop(["nothing"])
        assert other.claim(()) is not None
    finally:
        other.close()


def test_the_numbers_and_the_first_page_leave_the_effects_on_the_disk(filled) -> None:
    small, large = filled(10), filled(10, 500)
    costs = []
    for one in (small, large):
        one.steps = 0
        entries = one.box.each()
        assert [next(entries).key for _ in range(5)] == ["k", "e0", "e1", "e2", "e3"]
        costs.append(one.steps)
    assert costs[1] < 60 * (costs[0] + 1), "a page, not all"
    plan = large.box._disk.reader.ask(
        lambda db: [
            str(row[3])
            for state in ("waiting", "dead")
            for row in db.execute(
                f"EXPLAIN QUERY PLAN SELECT lane, count(*) FROM effects WHERE state = '{state}' GROUP BY lane"
            )
        ],
        [],
        str,
    )
    assert all("COVERING INDEX" in step for step in plan), plan
    assert large.box.totals().counts["http://h3", "waiting"] == 500


def test_lanes_forget_the_healthy_and_what_is_long_ago() -> None:
    now = [1000.0]
    lanes = Lanes(lambda name: None, 4, lambda: now[0])
    for number in range(MOST_LANES + 10):
        assert lanes.enter(f"h{number}") == ""
        lanes.leave(f"h{number}", ILL, SLOW)
    assert len(lanes._lanes) == MOST_LANES + 10, "all of them are ill now"
    now[0] += 3600
    for number in range(MOST_LANES):
        lanes.enter(f"x{number}")
        lanes.leave(f"x{number}", ILL, SLOW)
    assert len(lanes._lanes) < 2 * MOST_LANES


class SlowOnes:
    """What a house's lanes know while every lane is slow, but for those that were well."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.handled: list[str] = []
        self.busy = threading.Semaphore(0)
        self.end = threading.Event()

    def handle(self, claim) -> None:
        self.handled.append(claim.lane)
        self.busy.release()
        if claim.lane != "healthy":
            self.end.wait(60)


@pytest.mark.parametrize("known", ["this process", "an earlier one"])
def test_a_worker_is_kept_for_those_who_answer_however_many_do_not(filled, known: str) -> None:
    one = filled(50)
    lanes = Lanes(lambda name: None, 4)
    if known == "this process":
        lanes.enter("healthy")
        lanes.leave("healthy", Answer(outcome="delivered", detail=""), 0.0)
    else:
        one.box._disk.run(
            lambda db: db.execute("INSERT INTO ended VALUES ('healthy', 'sent', 7)"), time.monotonic() + 20
        )
    one.box._disk.run(
        lambda db: db.execute("UPDATE effects SET due = ? WHERE key = 'k'", (9e9,)), time.monotonic() + 20
    )
    slow = SlowOnes(lanes)
    workers = one.box.workers(4, slow.handle, lanes.blocked, lambda entry: None)
    workers.start()
    for _ in range(3):
        assert slow.busy.acquire(timeout=60)
    parcel = Parcel(key="new", effect=Post(url="http://127.0.0.1:9/"), action="test", event="", created=0.0)
    one.box.put([Item(parcel=parcel, lane="healthy", max_age=9e6)], time.monotonic() + 20)
    workers.wake()
    assert slow.busy.acquire(timeout=60), "nobody was kept for it"
    assert slow.handled[3:] == ["healthy"]
    slow.end.set()
    workers.stop(10.0)


def test_who_does_not_answer_or_not_soon_is_not_among_the_well() -> None:
    lanes = Lanes(lambda name: None, 4)
    well = Answer(outcome="delivered", detail="")
    for name, answer, seconds in (("a", well, 0.1), ("b", well, SLOW), ("c", ILL, 0.1), ("d", well, 0.1)):
        lanes.enter(name)
        lanes.leave(name, answer, seconds)
    assert lanes.blocked().well(["x", "b"]) == ["a", "d", "x"]
    lanes.enter("a")
    lanes.leave("a", ILL, 0.1)
    assert lanes.blocked().well([]) == ["d"]
    for number in range(2 * MOST_WELL):
        lanes.enter(f"h{number}")
        lanes.leave(f"h{number}", well, 0.0)
    assert len(lanes.blocked().well([])) == MOST_WELL
