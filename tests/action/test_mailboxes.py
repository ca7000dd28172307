"""Lists of mail addresses as people write them; one that cannot be read is an error for all."""

from __future__ import annotations

import pytest

from misp_workflow.action import params
from misp_workflow.errors import ParameterError

TABLE: params.Table = {
    "recipients": {"type": "string", "description": "x", "format": "list", "each": "email"},
    "sender": {"type": "string", "description": "x", "format": "email"},
}


def read(text: str) -> tuple[str, ...]:
    return tuple(params.read(TABLE, {"recipients": text}, {}).recipients)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("soc@example.org; duty@example.org", ("soc@example.org", "duty@example.org")),
        (
            "soc@example.org;duty@example.org,third@example.org",
            ("soc@example.org", "duty@example.org", "third@example.org"),
        ),
        ("soc@example.org\r\nduty@example.org;\n\n", ("soc@example.org", "duty@example.org")),
        (
            '"Doe, Jane; SOC" <jane@example.org>, b@example.org',
            ('"Doe, Jane; SOC" <jane@example.org>', "b@example.org"),
        ),
        ("Jane Doe <jane@example.org>; <b@example.org>", ("Jane Doe <jane@example.org>", "b@example.org")),
        ("soc@bücher.example", ("soc@xn--bcher-kva.example",)),
        ("soc@example.org (duty; night)", None),
        (" ; , ", ()),
    ],
)
def test_each_mailbox_is_found(text: str, found: tuple[str, ...] | None) -> None:
    if found is None:
        with pytest.raises(ParameterError):
            read(text)
    else:
        assert read(text) == found


@pytest.mark.parametrize(
    "wrong",
    [
        "soc@example.org duty@example.org",
        "soc@example.org and more",
        "Jane Doe jane@example.org",
        "soc@",
        "@example.org",
        "soc",
        "a@b@example.org",
        "soc@example.org>",
        "team: soc@example.org",
        '"Jane <jane@example.org>',
    ],
)
def test_one_that_cannot_be_read_is_an_error_for_all(wrong: str) -> None:
    for text in (wrong, f"fine@example.org, {wrong}", f"{wrong}; fine@example.org"):
        with pytest.raises(ParameterError, match="is no e-mail address"):
            read(text)
    with pytest.raises(ParameterError):
        params.read(TABLE, {"sender": wrong}, {})


def test_a_sender_is_one_mailbox() -> None:
    assert params.read(TABLE, {"sender": "MISP <misp@example.org>"}, {}).sender == "MISP <misp@example.org>"
    with pytest.raises(ParameterError):
        params.read(TABLE, {"sender": "a@example.org; b@example.org"}, {})
