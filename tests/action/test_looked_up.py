"""What a call finds out, it finds out when asked, once; what nodes say is kept, as long as it is short."""

from __future__ import annotations

import pytest

from misp_workflow import settings
from misp_workflow.action import expose
from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.action.wording import context
from misp_workflow.effects import Receipt
from misp_workflow.errors import TemplateError


def call() -> Call:
    return Call(Params(message=""), {"Event": {"info": "x"}}, None, settings.current(), "")


def test_a_template_looks_up_what_it_asks_for_and_that_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for name in context._NAMES:
        monkeypatch.setitem(context._NAMES, name, lambda call, name=name: asked.append(name) or "found")
    assert call().render_text("{{ kind }} {{ kind }} {{ summary }}", "plain", "message") == "found found found"
    assert sorted(asked) == ["kind", "summary"]


def test_a_name_that_does_not_exist_is_told_with_the_nearest() -> None:
    with pytest.raises(TemplateError, match="there is no 'evnt'; did you mean 'event'"):
        call().render_text("{{ evnt.info }}", "plain", "message")


def test_short_parameters_are_read_once_and_long_ones_are_not_kept() -> None:
    seen = []

    def decide(call):
        seen.append(call.params)
        return Receipt(status="skipped", detail="Nothing to do.")

    config = {"params": {"text": {"type": "large_string", "description": "Text"}}, "blocking": False}
    _, handler, _, _ = expose({"name": "test"}, config, decide)
    for text in ("short", "short", "x" * 20_000, "x" * 20_000):
        assert "data" in handler({"params": {"text": text}, "data": {"Event": {"info": "x"}}})
    assert seen[0] is seen[1]
    assert seen[2] is not seen[3]
    assert seen[2] == seen[3]
    with pytest.raises(AttributeError):
        seen[0].text = "another"
