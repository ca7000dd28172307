"""The container of examples/container, as far as it goes without Docker: the image's one step, and the override's words.

What the official image is stood in for by is a virtual environment with misp-modules and no pip, as it is delivered.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from misp_workflow.testing import MispModulesServer

ROOT = Path(__file__).resolve().parents[2]
CONTAINER = ROOT / "examples" / "container"
OVERRIDE = CONTAINER / "docker-compose.override.yml"
PAGE = (ROOT / "docs" / "install.md").read_text()
UPSTREAM = """
services:
  misp-modules:
    image: ghcr.io/misp/misp-docker/misp-modules:latest
"""
"""What of misp-docker's docker-compose.yml the override stands beside."""


def override() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(OVERRIDE.read_text())
    return found


@pytest.mark.server
def test_the_step_of_the_image_makes_the_pack_a_part_of_it(
    tmp_path: Path, wheel: Path, image: Any, action_names: list[str], serving: Callable[..., Any]
):
    """Its own words are run; what the wheel requires is there already, as nothing is fetched here."""
    base, step = (CONTAINER / "Dockerfile").read_text().strip().splitlines()
    assert base.startswith("FROM ghcr.io/misp/misp-docker/misp-modules:")
    found = re.fullmatch(r"RUN --mount=type=bind,source=dist,target=(\S+) (.+)", step)
    assert found, "the wheel is mounted, from where 'make wheel' puts it"
    assert image.run("-c", "import importlib.util as u; print(u.find_spec('pip'))").strip() == "None"
    done = subprocess.run(
        ["/bin/sh", "-c", found[2].replace(found[1], str(wheel.parent))],
        env={"PATH": f"{image.folder / 'bin'}:/usr/bin:/bin", "PIP_NO_INDEX": "1", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (image.folder / "bin" / "misp-workflow").exists(), "docs/install.md looks into the outbox with it"
    assert set(action_names) <= serving(image).modules.keys()


def test_the_page_builds_and_mounts_what_is_there():
    assert "docker build -f examples/container/Dockerfile" in PAGE
    assert "docker-compose.override.yml" in PAGE
    service = override()["services"]["misp-modules"]
    for place in ("./custom/action_mod/", "./custom/python/"):
        assert any(volume.startswith(f"{place}:") for volume in service["volumes"])
        assert place.strip("./") in PAGE
    assert f"MISP_WORKFLOW_STATE={service['environment']['MISP_WORKFLOW_STATE']}" in PAGE


def test_every_place_that_the_override_speaks_of_is_mounted():
    found = override()
    service = found["services"]["misp-modules"]
    mounted = {volume.split(":")[1].rstrip("/"): volume for volume in service["volumes"]}
    assert service["environment"]["PYTHONPATH"] in mounted
    assert service["environment"]["MISP_WORKFLOW_STATE"] in mounted
    assert f"{service['command'][-1]}action_mod" in mounted
    state = mounted[service["environment"]["MISP_WORKFLOW_STATE"]]
    assert state.split(":")[0] in found["volumes"], "a named volume, which outlives the container"
    assert not state.endswith(":ro")
    assert all(volume.split(":")[2].startswith("ro") for place, volume in mounted.items() if volume != state)


@pytest.mark.server
def test_the_server_runs_as_the_override_says(
    bare_environment: Any, mount: Path, action_names: list[str], receiver: Any, tmp_path: Path
):
    """Its command and its variables, with the places of the container where the volumes are here.

    Nothing is installed: what the container's misp-modules brings along must be enough for the rest, up to a message
    that arrives.
    """
    service = override()["services"]["misp-modules"]
    state = tmp_path / "state"

    def here(place: str) -> str:
        return place.replace("/custom", str(mount)).replace("/state", str(state))

    switch, folder = service["command"]
    assert switch == "-c", "what MispModulesServer calls custom"
    variables = {name: here(value) for name, value in service["environment"].items()}
    with MispModulesServer(python=bare_environment.python, custom=Path(here(folder)), environment=variables) as server:
        assert set(action_names) <= {module["name"] for module in server.modules()}
        data = {"Event": {"id": "1", "info": "x", "Attribute": []}}
        reply = server.query({"module": "http_request", "params": {"url": receiver.url}, "data": data})
        assert not set(action_names) & server.failed().keys()
    assert reply.keys() == {"data"}, reply
    assert receiver.requests
    assert (state / "outbox.sqlite3").exists()


def test_compose_takes_the_override_beside_upstreams_file(tmp_path: Path, program: Callable[[str], str]):
    compose = program("docker-compose")
    (tmp_path / "docker-compose.yml").write_text(UPSTREAM)
    (tmp_path / "docker-compose.override.yml").write_text(OVERRIDE.read_text())
    done = subprocess.run([compose, "config"], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    merged = yaml.safe_load(done.stdout)["services"]["misp-modules"]
    assert merged["image"].startswith("ghcr.io/misp/")
    assert merged["command"] == override()["services"]["misp-modules"]["command"]
    assert merged["environment"]["MISP_WORKFLOW_STATE"] == "/state"
    assert len(merged["volumes"]) == 3
