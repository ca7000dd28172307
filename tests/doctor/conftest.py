"""A doctor to call, with settings of its own and stand-ins for everybody whom it asks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doctor_kit import Doctor

from misp_workflow.settings import Settings
from misp_workflow.testing.receiver import Answer, Received, Receiver, answer

MISP_ANSWERS: dict[str, Any] = {
    # as a real MISP 2.5.1 answered, shortened
    "/users/view/me": {
        "User": {"id": "1", "email": "admin@admin.test"},
        "Role": {"name": "admin", "perm_site_admin": True, "perm_tagger": True, "perm_modify": True},
    },
    "/servers/getSetting/Plugin.Workflow_enable": {"value": True, "name": "Plugin.Workflow_enable"},
    "/servers/getSetting/Plugin.Action_services_enable": {"value": True},
    "/servers/getSetting/Plugin.Action_timeout": {"value": 10, "type": "numeric"},
    "/servers/getSetting/Plugin.Action_services_url": {"value": "http://127.0.0.1"},
    "/servers/getSetting/Plugin.Action_services_port": {"value": "9"},
    "/workflows/moduleIndex/type:action": [],
}


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """A doctor without settings; nothing listens where misp-modules should."""
    monkeypatch.setattr(Settings, "answer_within", Settings().answer_within)  # which it compares with MISP's own
    found = Doctor(tmp_path, monkeypatch)
    found.write("")
    return found


@pytest.fixture
def misp(receiver: Receiver) -> tuple[Receiver, dict[str, Any]]:
    """A stand-in for MISP, and the answers that it gives by path, to be changed."""
    answers = dict(MISP_ANSWERS)

    def respond(request: Received) -> Answer:
        if request.header("authorization") != "goodkey":
            return answer({"name": "Authentication failed."}, status=403)
        return answer(answers[request.path]) if request.path in answers else answer({"name": "Not Found"}, status=404)

    receiver.always(respond)
    return receiver, answers


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], tuple[Path, Path]]:
    """Return a self-signed certificate for localhost that lasts so many days, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: the TLS tests need it to make a certificate")

    def make(days: int) -> tuple[Path, Path]:
        folder = tmp_path_factory.mktemp("tls")
        made, key = folder / "certificate.pem", folder / "key.pem"
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", "/CN=x"]
        names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        subprocess.run([*request, *names, "-keyout", str(key), "-out", str(made)], check=True, capture_output=True)
        return made, key

    return make
