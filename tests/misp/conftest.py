"""A MISP for the tests: the stand-in, or a real one when MISP_WORKFLOW_TEST_MISP_URL and …_KEY name it.

A real one is left as it was found; all that it needs is a key of the host's organisation (a site admin's, for lists).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from misp_support import REAL_KEY, REAL_URL, RECORDED, RealMisp, example_event

from misp_workflow.testing.misp import MispStandIn


@pytest.fixture(scope="session")
def recorded() -> list[dict]:
    """What a real MISP 2.5.1 answered, in order."""
    return json.loads((RECORDED / "exchanges.json").read_text())


@pytest.fixture
def standin(recorded) -> Iterator[MispStandIn]:
    with MispStandIn(recorded=recorded) as misp:
        yield misp


@pytest.fixture(scope="session")
def real() -> Iterator[RealMisp]:
    misp = RealMisp(REAL_URL, REAL_KEY)
    yield misp
    misp.leave_as_found()


@pytest.fixture
def misp(request: pytest.FixtureRequest) -> Any:
    """A MISP with .url, .key, .ask, add_event, event, attribute and tags."""
    found = request.getfixturevalue("real" if REAL_URL and REAL_KEY else "standin")
    if "site_admin" in request.keywords and not found.is_site_admin:
        pytest.skip("MISP_WORKFLOW_TEST_MISP_KEY is no site admin's")
    request.getfixturevalue("use")(found)
    return found


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules) -> Callable[..., None]:
    """Write settings that name a MISP; further lines of TOML go on top."""

    def write(misp: Any, more: str = "", key: str = "") -> None:
        rules(f'{more}\n[misp]\nurl = "{misp.url}"\nkey = "{key or misp.key}"\nverify_tls = false\n')
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))

    return write


@pytest.fixture
def example(misp: Any) -> dict[str, Any]:
    """An event with three attributes and an object, just added."""
    return misp.add_event(example_event())
