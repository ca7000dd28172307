"""The one way of docs/settings.md to give files their owner and mode works for the user of a service."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from misp_workflow.cli.checks import settings as doctor
from misp_workflow.errors import SettingsError
from misp_workflow.settings import load, resolve

ROOT = Path(__file__).parents[2]
SERVICE = 54321
"""A user and group that own nothing here."""

pytestmark = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become a service's user")


@contextmanager
def as_user(user: int, group: int) -> Iterator[None]:
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(group)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.fixture
def etc() -> Iterator[Path]:
    """A folder in the place of /etc; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="misp-workflow-etc-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_the_commands_of_the_page_work_for_the_service_and_for_nobody_else(etc):
    page = (ROOT / "docs" / "settings.md").read_text()
    block = re.search(r"```sh\n(GROUP=.*?)```", page, re.DOTALL)
    assert block
    *commands, last = block[1].strip().splitlines()
    assert last.startswith("sudo -u ") and last.endswith("misp-workflow doctor")
    script = (
        "\n".join(commands)
        .replace("sudo ", "")
        .replace("/etc/", f"{etc}/")
        .replace("GROUP=www-data", f"GROUP={SERVICE}")
    )
    subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, check=True)

    settings, secret = etc / "misp-workflow.toml", f"file:{etc}/misp-workflow/soc-chat"
    assert load(settings).destinations["soc-chat"].values["webhook_url"] == "file:/etc/misp-workflow/soc-chat"
    settings.write_text(settings.read_text() + f'\n[destinations.one.parameters]\nwebhook_url = "{secret}"\n')
    for user, group in ((SERVICE, SERVICE), (0, 0)):
        with as_user(user, group):
            found = load(settings)
            assert found.destinations["one"].resolved()["webhook_url"].startswith("https://hooks.slack.com/")
            assert {one.state for one in doctor.check(found)} == {"ok"}
    with as_user(SERVICE + 1, SERVICE + 1):
        with pytest.raises(SettingsError, match="Permission denied"):
            load(settings)
        with pytest.raises(SettingsError, match="Permission denied"):
            resolve(secret, "x")


@pytest.mark.parametrize(
    ("owner", "group", "mode", "readable"),
    [
        (0, SERVICE, 0o640, True),
        (0, SERVICE, 0o440, True),
        (0, SERVICE, 0o660, False),
        (0, SERVICE, 0o644, False),
        (SERVICE, SERVICE, 0o400, True),
        (SERVICE, SERVICE, 0o440, False),
        (0, 0, 0o640, False),
    ],
)  # fmt: skip
def test_who_may_own_a_secret(owner, group, mode, readable, etc):
    file = etc / "secret"
    file.write_text("s3cret")
    os.chown(file, owner, group)
    file.chmod(mode)
    with as_user(SERVICE, SERVICE):
        if readable:
            assert resolve(f"file:{file}", "x") == "s3cret"
        else:
            with pytest.raises(SettingsError, match=r"chmod 0400, or give it to root|Permission denied"):
                resolve(f"file:{file}", "x")
