"""The operator's own MISP: reachable, key accepted, workflows on, our modules enabled, time-out long enough."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from misp_workflow.cli.checks import web, workflows
from misp_workflow.cli.checks.finding import Finding, error, ok, skipped, some, warning
from misp_workflow.cli.checks.settings import MISP_WAITS
from misp_workflow.effects import Post
from misp_workflow.errors import SettingsError
from misp_workflow.runner.modules.moduleapi import Described
from misp_workflow.settings import Settings, misps
from misp_workflow.web_address import shown

SUBJECT = "MISP"
Version = tuple[int, int, int]
SETTINGS_PAGE = "Administration, Server Settings, Plugin"
RIGHTS = {"perm_tagger": "tag", "perm_modify": "change events", "perm_tag_editor": "make new tags"}

FAULTS: tuple[tuple[Version, Version, str, str], ...] = (
    (
        (2, 5, 2),
        (2, 5, 39),
        "may publish events that a workflow blocked: seen in 2.5.27 and 2.5.33, not in 2.5.1, mended in June 2026",
        "update MISP to 2.5.40 or later: before that no gate is sure to hold a publication",
    ),
    (
        (2, 5, 24),
        (2, 5, 33),
        "takes enabled modules for disabled ones in background jobs, where PHP has no APCu",
        "install php-apcu with apc.enable_cli=1, or update MISP; until then a holding graph holds every event",
    ),
)
"""What is known to be wrong: from, to (both included), what, and what to do about it."""


class _StopError(Exception):
    """Nothing more can be asked; holds the finding that says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


def check(rules: Settings, ours: Sequence[Described]) -> list[Finding]:
    """Return the findings about each MISP in the settings; `ours` are this package's actions as they are listed."""
    several = len(rules.misps) > 1
    return [
        dataclasses.replace(finding, subject=f"{finding.subject} “{name}”") if several else finding
        for name, one in _each(rules)
        for finding in _check(one, ours)
    ]


def _each(rules: Settings) -> list[tuple[str, Settings]]:
    """Return the settings once for each MISP, with that one in force."""
    return [(name, misps.named(rules, name)) for name in rules.misps or ("",)]


def _check(rules: Settings, ours: Sequence[Described]) -> list[Finding]:
    if not rules.misp.url:
        todo = "name it in [misp] for links in messages, write-back and this check"
        return [skipped(SUBJECT, "the settings do not say where MISP is", todo), *_local_tags(rules)]
    found: list[Finding] = []
    try:
        misp = _Misp(rules)
        user = _who(misp, found)
        if misp.admin:
            _version(misp, found)
            _host_organisation(misp, user, found)
            _plugin(misp, rules, found)
            _modules(misp, [str(entry["name"]) for entry in ours], found)
            found += workflows.check(misp, ours, rules.misps)
    except _StopError as stop:
        found.append(stop.finding)
    return found


def _local_tags(rules: Settings) -> list[Finding]:
    """Tell where local tags go because nobody can be asked which they are."""
    names = [name for name, place in rules.destinations.items() if not place.local_tags]
    if not names:
        return []
    what = "with what is saved in an event (an attribute, report, sighting or proposal) its local tags go out"
    todo = "name MISP in [misp], which is then asked which tags are local, or set local_tags = true where they may go"
    return [warning(SUBJECT, f"{what}, to {some(names)}", f"{todo}; see docs/clearance.md")]


def action_timeout(rules: Settings) -> tuple[float, str]:
    """Return the seconds that MISP waits for an action, and who says so: MISP itself, or what it does by default.

    Of several MISPs the least patient one counts.
    """
    said = []
    for _, one in _each(rules):
        with contextlib.suppress(_StopError, TypeError, ValueError):
            if one.misp.url:
                said.append(float(_Misp(one).setting("Plugin.Action_timeout")))
    return (min(said), "Plugin.Action_timeout") if said else (MISP_WAITS, "by default; it was not asked")


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
                warning(
                    SUBJECT,
                    "the settings hold no key for MISP",
                    f"set {self.place.table}.key to env:NAME or file:/path",
                )
            )

    def get(self, path: str, body: Any = None) -> web.Heard:
        """Return what MISP answers to GET, or to a question in a body; _StopError when it does not answer at all."""
        heard = web.ask(
            Post(
                url=f"{self.place.url}/{path}",
                method="GET" if body is None else "POST",
                json=body,
                headers={"Authorization": self._key, "Accept": "application/json"},
                verify_tls=self.place.verify_tls,
                ca_file=self.place.ca_file,
                secrets=(self._key,),
            ),
            self.place.proxy,
        )
        if heard.problem:
            raise _StopError(
                error(SUBJECT, heard.problem, f"check url and ca_file of [{self.place.table}], and the way to MISP")
            )
        return heard

    def json(self, path: str, body: Any = None) -> Any:
        """Return what MISP answers as data, None where it answers none or says no."""
        heard = self.get(path, body)
        return heard.json() if heard.status == 200 else None

    def setting(self, name: str) -> Any:
        """Return a server setting's value, None when MISP does not say."""
        content = self.get(f"servers/getSetting/{name}").json()
        return content.get("value") if isinstance(content, Mapping) else None


def _who(misp: _Misp, found: list[Finding]) -> Mapping[str, Any]:
    """Return the key's user."""
    heard = misp.get("users/view/me")
    if heard.status in (401, 403):
        todo = "make an automation key in MISP (My Profile, Auth keys), and check its allowed IP addresses"
        raise _StopError(error(SUBJECT, "MISP does not accept the key", todo))
    content = heard.json()
    if heard.status != 200 or not isinstance(content, Mapping) or "User" not in content:
        raise _StopError(
            error(SUBJECT, f"{shown(misp.place.url)} does not answer as MISP does", f"check {misp.place.table}.url")
        )
    role = content.get("Role") if isinstance(content.get("Role"), Mapping) else {}
    assert isinstance(role, Mapping)
    misp.admin = bool(role.get("perm_site_admin"))
    found.append(ok(SUBJECT, f"{shown(misp.place.url)} accepts the key, with the role {role.get('name', '?')}"))
    found += web.clock(SUBJECT, heard.headers, time.time())
    if misp.place.verify_tls:
        found += web.certificate(SUBJECT, misp.place.url, misp.place.ca_file, time.time())
    lacking = [what for name, what in RIGHTS.items() if name in role and not role[name]]
    if not {"perm_tagger", "perm_modify"} <= role.keys():
        lacking = lacking or ["tag", "change events"]
    if lacking:
        todo = "only needed for write-back and approvals: give the user a role that may"
        found.append(warning(SUBJECT, f"the key's role may not {', '.join(lacking)}", todo))
    if not misp.admin:
        todo = "the workflow settings can be seen by a site administrator only; check them by hand"
        found.append(skipped(SUBJECT, "the key is no site administrator's", todo))
    user = content["User"]
    return user if isinstance(user, Mapping) else {}


def _host_organisation(misp: _Misp, user: Mapping[str, Any], found: list[Finding]) -> None:
    """Local tags, and so approvals, can be attached by users of the host organisation only, site administrators too."""
    host, own = misp.setting("MISP.host_org_id"), user.get("org_id")
    if host in (None, "") or own in (None, ""):
        return
    if str(host) == str(own):
        found.append(ok(SUBJECT, "the key's user belongs to the host organisation, and so may attach local tags"))
        return
    what = f"the key's user belongs to organisation {own}, the host organisation (MISP.host_org_id) is {host}"
    todo = "use a key of a user of the host organisation: nobody else may attach local tags, so each approval fails"
    found.append(error(SUBJECT, what, todo))


def _version(misp: _Misp, found: list[Finding]) -> None:
    """Say what is known to be wrong in this version."""
    content = misp.json("servers/getVersion")
    said = str(content.get("version", "")) if isinstance(content, Mapping) else ""
    parts = said.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return
    number = tuple(map(int, parts))
    for first, last, what, todo in FAULTS:
        if first <= number <= last:
            found.append(error(SUBJECT, f"MISP {said} {what}", todo))


def _plugin(misp: _Misp, rules: Settings, found: list[Finding]) -> None:
    for name, what in (
        ("Plugin.Workflow_enable", "workflows"),
        ("Plugin.Action_services_enable", "action modules"),
    ):
        if _true(misp.setting(name)):
            found.append(ok(SUBJECT, f"{what} are switched on"))
        else:
            found.append(error(SUBJECT, f"{what} are switched off", f"set {name} to true ({SETTINGS_PAGE})"))
    if misp.setting("Plugin.Enrichment_services_enable") in (False, 0, "0", "false"):
        todo = "set Plugin.Enrichment_services_enable to true, or leave the texts in MISP's own nodes empty"
        found.append(warning(SUBJECT, "the Enrichment service is off, which MISP renders templates through", todo))
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
    if isinstance(listed, Mapping) and "name" not in listed:
        listed = list(listed.values()) or None  # a list with holes, which PHP makes an object of
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
