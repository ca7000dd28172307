"""Names, beyond the recorded cases."""

from __future__ import annotations

import pytest

from misp_workflow.runner.data import inflector


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("verify_tls", "verify_tls"),
        ("API Key", "a_p_i_key"),
        ("Größe", "groesse"),
        ("x²", "x"),
        ("a\u00a0b", "a_b"),
        ("a\u200bb", "a_b"),
        ("__", ""),
        ("Δοκιμή Σ", "δοκιμή_σ"),
        ("ΟΔΟΣ", "οδοσ"),  # PHP 8.2 has no final sigma
        ("éA", "ea"),  # the byte before the capital is no word character
    ],
)
def test_the_key_of_a_parameter(name: str, key: str) -> None:
    assert inflector.param_id(name) == key


def test_a_broken_letter_survives_as_bytes() -> None:
    assert inflector.variable("Élan").encode("utf-8", "surrogateescape") == b"\xc3\x89\xc3an"
    assert inflector.variable("\ud800x")


def test_parameters_as_the_editor_has_them() -> None:
    assert inflector.param("Hash Path", {"type": "hash_path"}) == {
        "id": "hash_path",
        "label": "Hash Path",
        "placeholder": "",
        "type": "input",
        "_isHashPath": True,
    }
    text = inflector.param("body", {"type": "large_string", "value": "v", "jinja_supported": True})
    assert (text["type"], text["placeholder"], text["jinja_supported"]) == ("textarea", "v", True)
    assert inflector.param("body", {"type": "string", "jinja_supported": False})["jinja_supported"] is False
    assert "jinja_supported" not in inflector.param("body", {"type": "string", "jinja_supported": None})
