"""Whatever a template can call stays within the account, also inside one call of C code that nothing can interrupt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("resource", reason="this system has no limits of processes to measure with")


def walked(*arguments: str) -> Any:
    script = Path(__file__).with_name("walked_callables.py")
    done = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=1_500, check=True
    )
    return json.loads(done.stdout)


PARTS = 4
"""There are many callables; each part takes a fair while."""


@pytest.mark.parametrize("part", range(PARTS))
def test_every_callable_stays_within_the_account(part: int) -> None:
    found = walked(str(part), str(PARTS))
    assert len(found["walked"]) > 150 / PARTS
    assert not found["beyond"]


def test_a_callable_without_an_account_is_found() -> None:
    assert walked("unaccounted")["beyond"].keys() == {"the filter unaccounted"}
