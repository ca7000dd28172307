"""The operator's own MISP: reachable, key accepted, workflows on, our modules enabled, time-out long enough."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from misp_workflow.cli.checks import web
from misp_workflow.cli.checks.finding import Finding, error, ok, skipped, some, warning
from misp_workflow.effects import Post
from misp_workflow.errors import SettingsError
from misp_workflow.settings import Settings
from misp_workflow.web_address import shown

SUBJECT = "MISP"
SETTINGS_PAGE = "Administration, Server Settings, Plugin"


class _StopError(Exception):
    """Nothing more can be asked; holds the finding that says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


def check(rules: Settings, ours: Collection[str]) -> list[Finding]:
    """Return the findings about the MISP in the settings; `ours` are the names of this package's actions."""
    if not rules.misp.url:
        todo = "name it in [misp] for links in messages, write-back and this check"
        return [skipped(SUBJECT, "the settings do not say where MISP is", todo)]
    found: list[Finding] = []
    try:
        misp = _Misp(rules)
        _who(misp, found)
        if misp.admin:
            _plugin(misp, rules, found)
            _modules(misp, ours, found)
    except _StopError as stop:
        found.append(stop.finding)
    return found


class _Misp:
    """Asks with the settings' key."""

    def __init__(self, rules: Settings) -> None:
        self.admin = False
        self.place = rules.misp
        try:
            self._key = rules.misp.key
        except SettingsError as trouble:
            raise _StopError(error(SUBJECT, str(trouble).rstrip("."), "put the key there")) from None
        if not self._key:
            raise _StopError(
                warning(SUBJECT, "the settings hold no key for MISP", "set misp.key to env:NAME or file:/path")
            )

    def get(self, path: str) -> web.Heard:
        """Return what MISP answers to GET; _StopError when it does not answer at all."""
        heard = web.ask(
            Post(
                url=f"{self.place.url}/{path}",
                method="GET",
                headers={"Authorization": self._key, "Accept": "application/json"},
                verify_tls=self.place.verify_tls,
                ca_file=self.place.ca_file,
                secrets=(self._key,),
            )
        )
        if heard.problem:
            raise _StopError(error(SUBJECT, heard.problem, "check misp.url, misp.ca_file and the way to MISP"))
        return heard

    def setting(self, name: str) -> Any:
        """Return a server setting's value, None when MISP does not say."""
        content = self.get(f"servers/getSetting/{name}").json()
        return content.get("value") if isinstance(content, Mapping) else None


def _who(misp: _Misp, found: list[Finding]) -> None:
    heard = misp.get("users/view/me")
    if heard.status in (401, 403):
        todo = "make an automation key in MISP (My Profile, Auth keys), and check its allowed IP addresses"
        raise _StopError(error(SUBJECT, "MISP does not accept the key", todo))
    content = heard.json()
    if heard.status != 200 or not isinstance(content, Mapping) or "User" not in content:
        raise _StopError(error(SUBJECT, f"{shown(misp.place.url)} does not answer as MISP does", "check misp.url"))
    role = content.get("Role") if isinstance(content.get("Role"), Mapping) else {}
    assert isinstance(role, Mapping)
    misp.admin = bool(role.get("perm_site_admin"))
    found.append(ok(SUBJECT, f"{shown(misp.place.url)} accepts the key, with the role {role.get('name', '?')}"))
    found += web.clock(SUBJECT, heard.headers, time.time())
    if misp.place.verify_tls:
        found += web.certificate(SUBJECT, misp.place.url, misp.place.ca_file, time.time())
    if not role.get("perm_tagger") or not role.get("perm_modify"):
        todo = "only needed for write-back: give the user a role that may tag and modify"
        found.append(warning(SUBJECT, "the key's role may not tag or change events", todo))
    if not misp.admin:
        todo = "the workflow settings can be seen by a site administrator only; check them by hand"
        found.append(skipped(SUBJECT, "the key is no site administrator's", todo))


def _plugin(misp: _Misp, rules: Settings, found: list[Finding]) -> None:
    for name, what in (
        ("Plugin.Workflow_enable", "workflows"),
        ("Plugin.Action_services_enable", "action modules"),
    ):
        if _true(misp.setting(name)):
            found.append(ok(SUBJECT, f"{what} are switched on"))
        else:
            found.append(error(SUBJECT, f"{what} are switched off", f"set {name} to true ({SETTINGS_PAGE})"))
    _timeout(misp.setting("Plugin.Action_timeout"), rules, found)
    _address(misp, rules, found)


def _timeout(value: Any, rules: Settings, found: list[Finding]) -> None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        found.append(warning(SUBJECT, "MISP does not say its Action_timeout", "set Plugin.Action_timeout to 10"))
        return
    if seconds > rules.answer_within:
        what = f"MISP waits {seconds:g} s for an action, longer than the {rules.answer_within:g} s of answer_within"
        found.append(ok(SUBJECT, what))
        return
    what = f"MISP waits only {seconds:g} s for an action, answer_within is {rules.answer_within:g} s"
    todo = f"a gate that is late lets pass: raise Plugin.Action_timeout ({SETTINGS_PAGE}), or lower answer_within"
    found.append(error(SUBJECT, what, todo))


def _address(misp: _Misp, rules: Settings, found: list[Finding]) -> None:
    """Compare where MISP looks for misp-modules with where this check looked; names differ in containers."""
    url, port = misp.setting("Plugin.Action_services_url"), misp.setting("Plugin.Action_services_port") or 6666
    if not isinstance(url, str) or not url:
        return
    host = urlsplit(url if "//" in url else f"//{url}").hostname
    if str(port) != str(urlsplit(rules.modules_url).port or 80):
        what = f"MISP looks for misp-modules at {host} port {port}, this check at {shown(rules.modules_url)}"
        found.append(warning(SUBJECT, what, "make sure that both are the same server (modules_url in the settings)"))


def _modules(misp: _Misp, ours: Collection[str], found: list[Finding]) -> None:
    listed = misp.get("workflows/moduleIndex/type:action").json()
    if not isinstance(listed, list):
        todo = "check that workflows are switched on, and MISP's log"
        found.append(error(SUBJECT, "MISP does not list its workflow modules", todo))
        return
    modules = {row.get("id"): row for row in listed if isinstance(row, Mapping) and row.get("is_misp_module")}
    missing = sorted(set(ours) - modules.keys())
    if missing:
        todo = "check Plugin.Action_services_url and _port; MISP asks the server anew within minutes"
        found.append(error(SUBJECT, f"MISP does not see {some(missing)}", todo))
    disabled = sorted(str(name) for name, row in modules.items() if name in ours and _true(row.get("disabled")))
    if disabled:
        todo = "enable those that you use (Administration, Workflows, List Modules); a disabled node is not run"
        found.append(warning(SUBJECT, f"not enabled in MISP: {some(disabled)}", todo))
    elif not missing:
        found.append(ok(SUBJECT, f"all {len(ours)} actions of this package are enabled"))


def _true(value: Any) -> bool:
    return value in (True, 1, "1", "true")
