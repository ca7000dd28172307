"""What the doctor says of each MISP: its settings, the key's rights, its modules, its workflows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from doctor_kit import NOBODY, ROOT, Doctor, configured, states

from misp_workflow import settings
from misp_workflow.cli.checks.misp import action_timeout
from misp_workflow.installed import own_actions
from misp_workflow.testing.receiver import Receiver, answer


def listed(doctor: Doctor, disabled: bool) -> list[dict[str, Any]]:
    """Return what MISP lists when it sees all actions of this package."""
    names = [file.stem for file in own_actions()]
    return [
        {"id": name, "is_misp_module": True, "disabled": disabled, "blocking": name.endswith("_gate")} for name in names
    ]


def test_a_misp_where_all_is_well(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, answers = misp
    answers["/workflows/moduleIndex/type:action"] = listed(doctor, disabled=False)
    doctor.write(configured(receiver))
    found = doctor.about("MISP")
    assert set(states(found)) == {"ok"}
    assert ("ok", "MISP waits 10 s for an action, longer than the 4 s of answer_within") in found
    assert "goodkey" not in doctor.text
    assert {request.method for request in receiver.requests} == {"GET"}


@pytest.mark.parametrize(
    ("path", "content", "state", "sentence"),
    [
        ("/servers/getSetting/Plugin.Workflow_enable", {"value": False}, "error", "workflows are switched off"),
        (
            "/servers/getSetting/Plugin.Action_services_enable",
            {"value": False},
            "error",
            "action modules are switched off",
        ),
        (
            "/servers/getSetting/Plugin.Action_timeout",
            {"value": "3"},
            "error",
            "MISP waits only 3 s for an action, answer_within is 4 s",
        ),
        (
            "/servers/getSetting/Plugin.Action_services_port",
            {"value": "6667"},
            "warning",
            f"MISP looks for misp-modules at 127.0.0.1 port 6667, this check at {NOBODY}",
        ),
        ("/workflows/moduleIndex/type:action", {}, "error", "MISP does not list its workflow modules"),
    ],
)
def test_a_misp_with_one_thing_wrong(
    doctor: Doctor, misp: tuple[Receiver, dict[str, Any]], path: str, content: Any, state: str, sentence: str
) -> None:
    receiver, answers = misp
    answers["/workflows/moduleIndex/type:action"] = listed(doctor, disabled=False)
    answers[path] = content
    doctor.write(configured(receiver))
    assert [row for row in doctor.about("MISP") if row[0] != "ok"] == [(state, sentence)]


def test_modules_that_misp_does_not_see_or_run(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, answers = misp
    doctor.write(configured(receiver))
    assert any(what.startswith("MISP does not see ") for _, what in doctor.about("MISP"))
    answers["/workflows/moduleIndex/type:action"] = listed(doctor, disabled=True)
    assert any(what.startswith("not enabled in MISP: ") for _, what in doctor.about("MISP"))


@pytest.mark.parametrize(
    ("host", "state", "sentence"),
    [
        (1, "error", "belongs to organisation 2, the host organisation (MISP.host_org_id) is 1"),
        (2, "ok", "the key's user belongs to the host organisation"),
    ],
)
def test_the_key_must_belong_to_the_host_organisation(doctor, misp, host, state, sentence) -> None:
    receiver, answers = misp
    answers["/users/view/me"] = {**answers["/users/view/me"], "User": {"id": "6", "org_id": "2"}}
    answers["/servers/getSetting/MISP.host_org_id"] = {"value": host}
    doctor.write(configured(receiver))
    assert any(sentence in what and found == state for found, what in doctor.about("MISP"))


@pytest.mark.parametrize(
    ("version", "faults"),
    [("2.5.1", 0), ("2.5.27", 2), ("2.5.36", 1), ("2.5.40", 0), ("2.5.50", 0), ("dev", 0)],
)
def test_a_version_with_known_faults(doctor, misp, version, faults) -> None:
    receiver, answers = misp
    answers["/servers/getVersion"] = {"version": version}
    doctor.write(configured(receiver))
    told = [what for found, what in doctor.about("MISP") if found == "error" and what.startswith(f"MISP {version}")]
    assert len(told) == faults


def test_what_the_key_may_not_do_and_a_service_that_is_off(doctor, misp) -> None:
    receiver, answers = misp
    answers["/users/view/me"]["Role"] = {**answers["/users/view/me"]["Role"], "perm_tagger": False}
    answers["/servers/getSetting/Plugin.Enrichment_services_enable"] = {"value": False}
    doctor.write(configured(receiver))
    told = [what for found, what in doctor.about("MISP") if found == "warning"]
    assert "the key's role may not tag" in told
    assert any("the Enrichment service is off" in what for what in told)


# --- the workflows that MISP has --------------------------------------------------------------------------------------

HOLDING = ROOT / "examples" / "workflows" / "hold-what-is-not-marked.json"
OWN = ("tag-if", "tag_operation", "reload-full-event", "stop-execution")
TAG = "misp-workflow:approved-by-gate"


def with_workflow(doctor: Doctor, misp: Any, disabled: tuple[str, ...] = (), enabled: bool = True, **tag: Any) -> Any:
    """A MISP that has the holding graph, as MISP lists it; return what the doctor says of that."""
    receiver, answers = misp
    row = json.loads(HOLDING.read_text())["Workflow"]
    answers["/workflows/index"] = [{"Workflow": {**row, "id": "1", "enabled": False}}]
    answers["/workflows/moduleIndex/type:trigger"] = [{"id": "event-publish", "disabled": not enabled}]
    actions = [*listed(doctor, disabled=False), *({"id": name, "is_misp_module": False} for name in OWN[1:])]
    shown = [{**one, "disabled": one["id"] in disabled} for one in actions]
    answers["/workflows/moduleIndex/type:action"] = {str(place): one for place, one in enumerate(shown)}
    answers["/workflows/moduleIndex/type:logic"] = [{"id": "tag-if", "disabled": "tag-if" in disabled}]
    answers["/tags/search/0/1"] = [{"Tag": {"id": "9", "name": TAG, "exportable": True, "local_only": True, **tag}}]
    doctor.write(configured(receiver))
    return doctor.about(f"workflow {row['name']}")


def test_a_workflow_with_nothing_wrong(doctor, misp) -> None:
    assert with_workflow(doctor, misp) == [("ok", "it is enabled, each of its nodes too, and check finds nothing")]


def test_each_disabled_node_and_trigger_of_a_workflow_is_named(doctor, misp) -> None:
    assert [what for found, what in with_workflow(doctor, misp, disabled=OWN) if found == "error"] == [
        f"not enabled in MISP: {', '.join(OWN)}; a disabled IF takes its else path, a disabled action is left out"
    ]
    found = with_workflow(doctor, misp, enabled=False)
    assert found[0] == ("warning", "its trigger event-publish is not enabled, so MISP never runs it")


def test_what_check_finds_in_a_workflow_the_doctor_says(doctor, misp) -> None:
    _, answers = misp
    with_workflow(doctor, misp)
    row = answers["/workflows/index"][0]["Workflow"]
    del row["data"]["1"]["data"]["misp_core_format"]
    told = doctor.about(f"workflow {row['name']}")
    assert [found for found, what in told if "never reloads" in what] == ["error", "error"]
    answers["/workflows/index"][0]["Workflow"] = {"id": "1", "name": row["name"], "data": "{broken"}
    assert states(doctor.about(f"workflow {row['name']}")) == ["error"]


def test_the_tag_of_an_approval_must_be_local_only_and_seen(doctor, misp) -> None:
    told = with_workflow(doctor, misp, local_only=False, exportable=False)
    assert ("warning", f"the tag {TAG} is not local only, so anybody who may tag can attach it") in told
    assert ("error", f"the tag {TAG} is not exportable, and workflows do not see such tags") in told


@pytest.mark.parametrize(("name", "known"), [("partners", False), ("misp", True), ("", True)])
def test_a_saved_node_that_names_a_misp_which_the_settings_lack(doctor, misp, name: str, known: bool) -> None:
    _, answers = misp
    with_workflow(doctor, misp)
    row = answers["/workflows/index"][0]["Workflow"]
    (node,) = [one for one in row["data"].values() if one["data"]["id"] == "publish_gate"]
    node["data"]["indexed_params"]["misp"] = name
    told = [what for found, what in doctor.about(f"workflow {row['name']}") if found == "error"]
    assert told == ([] if known else [f"publish_gate ({node['id']}) names the MISP “{name}”, which the settings lack"])


def test_a_bad_key(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    doctor.write(configured(misp[0], "badkey"))
    assert doctor.about("MISP") == [("error", "MISP does not accept the key")]


def test_a_key_without_rights(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, answers = misp
    answers["/users/view/me"] = {"User": {}, "Role": {"name": "Read Only", "perm_site_admin": False}}
    doctor.write(configured(receiver))
    assert states(doctor.about("MISP")) == ["ok", "warning", "skipped"]
    assert len(receiver.requests) == 1


def test_a_misp_that_is_none_or_down(doctor: Doctor, receiver: Receiver) -> None:
    receiver.always(answer("<html>hello</html>"))
    doctor.write(configured(receiver))
    assert doctor.about("MISP") == [("error", f"{receiver.url} does not answer as MISP does")]
    doctor.write(f"[misp]\nurl = '{NOBODY}'\nkey = 'x'")
    assert doctor.about("MISP") == [("error", "nothing listens at 127.0.0.1 port 9")]
    doctor.write(f"[misp]\nurl = '{NOBODY}'")
    assert doctor.about("MISP") == [("warning", "the settings hold no key for MISP")]


def test_each_of_several_misps_is_looked_at(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, _ = misp
    tables = [f"[misp.{name}]\nurl = '{receiver.url}'\nkey = '{key}'" for name, key in (("hub", "goodkey"), ("b", "k"))]
    doctor.write("\n".join(tables))
    assert "accepts the key" in doctor.about("MISP “hub”")[0][1]
    assert doctor.about("MISP “b”") == [("error", "MISP does not accept the key")]
    assert not doctor.about("MISP")
    doctor.write(f"{tables[0]}\n[misp.gone]\nurl = '{NOBODY}'\nkey = 'x'")
    assert "check url and ca_file of [misp.gone]" in next(
        row["todo"] for row in doctor() if row["subject"] == "MISP “gone”"
    )


def test_the_least_patient_misp_bounds_the_measure(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, answers = misp
    answers["/servers/getSetting/Plugin.Action_timeout"] = {"value": 7}
    with Receiver() as patient:
        patient.always(answer({"value": 30}))
        tables = [
            f"[misp.{name}]\nurl = '{one.url}'\nkey = 'goodkey'" for name, one in (("a", patient), ("b", receiver))
        ]
        doctor.write("\n".join(tables))
        assert action_timeout(settings.current())[0] == 7


def test_local_tags_go_out_where_no_misp_can_be_asked(doctor: Doctor) -> None:
    doctor.write("[destinations.chat]\n[destinations.team]\nlocal_tags = true\n")
    first, second = doctor.about("MISP")
    assert first == ("skipped", "the settings do not say where MISP is")
    assert second[0] == "warning" and second[1].endswith("its local tags go out, to chat")
    doctor.write("[destinations.team]\nlocal_tags = true\n")
    assert doctor.about("MISP") == [first]
