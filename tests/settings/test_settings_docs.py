"""The pages say what the code does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from misp_workflow import secret_names as names
from misp_workflow.settings import mail_table, network_table, reader

DOCS = Path(__file__).parents[2] / "docs"


def test_every_setting_is_documented() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    source = inspect.getsource(reader) + inspect.getsource(network_table) + inspect.getsource(mail_table)
    readers = "text|flag|strings|number|seconds|size|choice|table|_level|_folder|_web_address|read_network|read_proxy|_path|_timezone"
    asked = set(re.findall(rf'(?:{readers})\(\s*(?:\w+, )?"(\w+)"', source))
    assert {"tlp", "misp", "max_age", "state_folder", "url", "parameters", "no_proxy", "proxy", "crl"} <= asked
    missing = [key for key in asked if not re.search(rf"`{key}`|\[(\w+\.(NAME\.)?)?{key}[\].]", page)]
    assert not missing


def test_the_rule_for_secrets_is_documented() -> None:
    page = (DOCS / "clearance.md").read_text(encoding="utf-8")
    for word in (*names.SECRET_PARTS, *names.SECRET_NAMES, *names.PUBLIC_KEYS):
        assert f"`{word}`" in page, word
