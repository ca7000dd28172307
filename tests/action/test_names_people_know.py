"""Templates that were written for MISP's or upstream's modules find their names here, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from misp_workflow import settings
from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.errors import InputError
from misp_workflow.template import render


def written(source: str, data: Any) -> str:
    call = Call(params=Params(), data=data, selected=None, settings=settings.current(), withheld="")
    return render(source, call.context, "text")


@pytest.mark.parametrize(
    ("trigger", "source", "wanted"),
    [
        ("event-publish", "{{ Event.info }} = {{ event.info }}", "publish me rich = publish me rich"),
        ("event-publish", "{{ Attribute|length }} {{ Attribute[0].type }}", None),
        ("event-publish", "{% for o in Object %}{{ o.name }} {% endfor %}", None),
        ("event-publish", "{% for a in Event.Attribute %}{{ a.uuid }}{% endfor %}", None),
        ("log-after-save", "{{ Log.model }} = {{ log.model }}", None),
        ("post-after-save", "{{ Post.contents }} {{ Thread.id }} {{ Event.id }}", None),
        ("user-after-save", "{{ email }}", "u1795292422@example.test"),
        ("attribute-after-save", "{{ Event.id }} {{ Attribute[0].value }}", None),
    ],
)
def test_the_names_of_others(captures: dict[str, Any], trigger: str, source: str, wanted: str | None) -> None:
    made = written(source, captures[trigger]["data"])
    assert made.strip() and (wanted is None or made == wanted)


def test_what_newer_misps_templates_call_misp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, data = "{{ _env.baseurl }}/events/view/{{ Event.id }}", {"Event": {"id": "1", "info": "x"}}
    assert written(source, data) == "/events/view/1", "nobody said where MISP is"
    (tmp_path / "s.toml").write_text('[misp]\nurl = "https://misp.example.org"\nkey = "k"\n')
    (tmp_path / "s.toml").chmod(0o600)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(tmp_path / "s.toml"))
    assert written(source, data) == "https://misp.example.org/events/view/1"


def test_our_own_names_win() -> None:
    data = {"Event": {"id": "1", "info": "right"}, "event": {"info": "wrong"}, "summary": "wrong"}
    assert written("{{ event.info }} {{ summary.title }}", data) == "right Event 1: right"


def test_a_secret_at_the_top_is_none_here(captures: dict[str, Any]) -> None:
    import json

    from misp_workflow.delivery import guard

    data = guard.scrub(captures["user-after-save"]["data"])
    assert captures["user-after-save"]["data"]["authkey"] not in json.dumps(written("{{ authkey }}", data))


def test_an_unknown_name_is_still_an_error(captures: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="did you mean 'Event'"):
        written("{{ Evnt.info }}", captures["event-publish"]["data"])


def test_what_an_enrichment_said_is_in_reach() -> None:
    enrichment = [{"name": "geo", "values": ["DE"]}]
    row = {"uuid": "a", "type": "ip-dst", "value": "198.51.100.7", "enrichment": enrichment}
    data = {"Event": {"id": "1", "info": "x", "Attribute": [row]}}
    assert written("{{ attributes[0].enrichment[0]['values'][0] }}", data) == "DE"
