"""Harmless questions that tell whether credentials are accepted, by action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from misp_workflow.effects import Post


@dataclass(frozen=True)
class Probe:
    """One question to a service's API, made of the action's parameters ("{server_url}/me").

    `basic` are user and password. The answer must be a 2xx in which the members of `yes` have these values. `page` is
    where the service describes it. `scopes` are what the credentials must be for, as the answer's header X-OAuth-Scopes
    says it, each where a parameter of the destination has a value; ("", "") everywhere.
    """

    url: str
    page: str
    bearer: str = ""
    basic: tuple[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    post: bool = False
    yes: Mapping[str, object] = field(default_factory=dict)
    scopes: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def request(self, values: Mapping[str, str]) -> Post | None:
        """Return the question, None when a parameter that it needs is not set."""
        filled = {name: value.rstrip("/") for name, value in values.items() if value}
        try:
            return Post(
                url=self.url.format_map(filled),
                method="POST" if self.post else "GET",
                bearer=self.bearer.format_map(filled),
                basic=self.basic and (self.basic[0].format_map(filled), self.basic[1].format_map(filled)),
                headers={name: value.format_map(filled) for name, value in self.headers.items()},
                verify_tls=values.get("verify_tls", "true").casefold() != "false",
                ca_file=values.get("ca_file", ""),
            )
        except KeyError:
            return None


PROBES: Mapping[str, Probe] = {
    "slack_message": Probe(
        page="https://docs.slack.dev/reference/methods/auth.test",
        url="{server_url}/auth.test",
        bearer="{bot_token}",
        post=True,
        yes={"ok": True},
        scopes={"chat:write": ("", ""), "files:write": ("overflow", "attach")},
    ),
    "mattermost_message": Probe(
        page="https://developers.mattermost.com/api-documentation/#/operations/GetUser",
        url="{server_url}/api/v4/users/me",
        bearer="{token}",
    ),
    "matrix_message": Probe(
        page="https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3accountwhoami",
        url="{server_url}/_matrix/client/v3/account/whoami",
        bearer="{access_token}",
    ),
    "telegram_message": Probe(
        page="https://core.telegram.org/bots/api#getme",
        url="{server_url}/bot{bot_token}/getMe",
        yes={"ok": True},
    ),
    "webex_message": Probe(
        page="https://developer.webex.com/docs/api/v1/people/get-my-own-details",
        url="{server_url}/people/me",
        bearer="{access_token}",
    ),
    "zulip_message": Probe(
        page="https://zulip.com/api/get-own-user",
        url="{server_url}/api/v1/users/me",
        basic=("{bot_email}", "{api_key}"),
        yes={"result": "success"},
    ),
    "rocketchat_message": Probe(
        page="https://developer.rocket.chat/apidocs/get-profile-information",
        url="{server_url}/api/v1/me",
        headers={"X-Auth-Token": "{token}", "X-User-Id": "{user_id}"},
        yes={"success": True},
    ),
    "nextcloud_message": Probe(
        page="https://docs.nextcloud.com/server/latest/developer_manual/client_apis/OCS/ocs-api-overview.html",
        url="{server_url}/ocs/v2.php/cloud/user?format=json",
        basic=("{username}", "{password}"),
        headers={"OCS-APIRequest": "true"},
    ),
}
