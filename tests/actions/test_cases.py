"""The JSON cases of every action: what MISP sends, what the other side answers, what must come of it.

A case is one file `tests/actions/<action>/<case>.json`:

    params      the node's parameters; "{receiver}" stands for the local receiver's address, "{receiver_host}" for its host
                and port, "{mail_host}" and "{mail_port}" for those of a local SMTP server
    data        the request's data: an object, or the name of a captured body ("event-publish")
    selected    optional: filteredItems as MISP would send them; "data" for the whole data
    settings    optional: text of the operator's settings file; "{user}" stands for somebody whom a script may run as
    answers     optional: what the receiver answers, in order: {"status", "json" | "body", "headers"}, "close", "hang";
                "{receiver}" stands for its address there, too
    mail        optional: the replies of the SMTP server, by command or recipient ({"RCPT": "550 …"}); {}: it takes all
    sends       the requests that must arrive, in order: {"method", "path", "query", "headers", "json", "has", "lacks",
                "at_most"}; "json" is held exactly, "has" and "lacks" are texts looked for in the body, "at_most" is the
                most characters that the text at each dotted path of the JSON may have
    mails       the mails that must arrive, in order: {"to", "headers", "has", "lacks", "html_has", "attachment",
                "attachment_has"}
    answer      optional: the status in MISP's answer ("delivered", "skipped", …); "detail" a part of its sentence
    blocks      the sentence of a gate's no, or a part of it; "error" the same for a failure; "passes" true for a yes
"""

from __future__ import annotations

import getpass
import json
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from actions_kit import ACTIONS, CASES, HERE, module_of, request_of

from misp_workflow.testing import CLOSE, HANG, Receiver, answer
from misp_workflow.testing.mail import MailServer, ReceivedMail


def _receiver_answer(spec: Any) -> Any:
    if spec == "close":
        return CLOSE
    if spec == "hang":
        return HANG
    return answer(spec.get("json", spec.get("body", b"")), spec.get("status", 200), spec.get("headers"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")
@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_case(file: Path, receiver: Receiver, tmp_path: Path, rules) -> None:
    case, action = json.loads(file.read_text()), file.parent.name
    if "settings" in case:
        text = case["settings"].replace("{receiver}", receiver.url).replace("{folder}", str(tmp_path))
        text = text.replace("{user}", "nobody" if os.geteuid() == 0 else getpass.getuser())
        rules(text)
    told = json.loads(json.dumps(case.get("answers", [])).replace("{receiver}", receiver.url))
    receiver.answers(*map(_receiver_answer, told))
    assert {"sends", "mails", "blocks", "error", "passes"} & case.keys(), "the case expects nothing"
    with _mail_server(case) as server:
        body = json.dumps(request_of(case, action, receiver))
        if server is not None:
            body = body.replace("{mail_host}", server.host).replace("{mail_port}", str(server.port))
        _check_answer(case, module_of(action).handler(q=body))
        _check_requests(case, receiver)
        if server is not None:
            _check_mails(case, server.mails)


def _mail_server(case: dict[str, Any]) -> AbstractContextManager[MailServer | None]:
    return MailServer(replies=case["mail"]) if "mail" in case else nullcontext()


def _check_answer(case: dict[str, Any], said: Any) -> None:
    wrong = case.get("error") or case.get("blocks")
    if wrong:
        assert "error" in said and wrong in said["error"], said
    else:
        assert "data" in said, said
        assert said["data"]["status"] == case.get("answer", said["data"]["status"]), said
        assert case.get("detail", "") in said["data"]["detail"], said


def _check_requests(case: dict[str, Any], receiver: Receiver) -> None:
    wanted_ones = case.get("sends", [])
    received = receiver.wait_for(len(wanted_ones)) if wanted_ones else receiver.requests
    assert len(received) == len(wanted_ones), [one.body for one in received]
    for one, wanted in zip(received, wanted_ones, strict=True):
        assert one.method == wanted.get("method", one.method)
        assert one.path == wanted.get("path", one.path)
        assert dict(one.query) == wanted.get("query", dict(one.query))
        for name, value in wanted.get("headers", {}).items():
            assert one.header(name) == value
        if "json" in wanted:
            assert one.json() == wanted["json"]
        for path, most in wanted.get("at_most", {}).items():
            assert 0 < len(_at(one.json(), path)) <= most
        _check_text(one.body.decode(), wanted)


def _at(content: Any, path: str) -> Any:
    for step in path.split("."):
        content = content[int(step) if isinstance(content, list) else step]
    return content


def _check_mails(case: dict[str, Any], mails: list[ReceivedMail]) -> None:
    assert len(mails) == len(case.get("mails", []))
    for mail, wanted in zip(mails, case.get("mails", []), strict=True):
        assert mail.recipients == [wanted["to"]]
        for name, value in wanted.get("headers", {}).items():
            assert mail.message[name] == value
        text, html = mail.message.get_body(("plain",)), mail.message.get_body(("html",))
        _check_text(text.get_content() if text else "", wanted)
        assert (html is not None) == bool(wanted.get("html_has"))
        _check_text(html.get_content() if html else "", {"has": wanted.get("html_has", [])})
        attached = list(mail.message.iter_attachments())
        assert [one.get_filename() for one in attached] == wanted.get("attachment", [])
        for one in attached:
            _check_text(one.get_payload(decode=True).decode(), {"has": wanted.get("attachment_has", [])})


def _check_text(text: str, wanted: dict[str, Any]) -> None:
    for part in wanted.get("has", []):
        assert part in text, text
    for part in wanted.get("lacks", []):
        assert part not in text, text


def test_every_action_has_cases_that_send_or_block_and_that_fail() -> None:
    for file in ACTIONS:
        kinds = {key for case in HERE.glob(f"{file.stem}/*.json") for key in json.loads(case.read_text())}
        assert kinds & {"sends", "mails", "passes"} and kinds & {"error", "blocks"}, f"{file.stem} lacks cases"
