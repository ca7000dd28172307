"""Upload indicators to Microsoft Sentinel."""

import re
import time

from misp_workflow.action import STANDING, Bulk, ParameterError, expose, fields, records, stix

moduleinfo = {
    "version": "1.0",
    "name": "Sentinel indicator",
    "description": "Uploads one STIX indicator per attribute to Microsoft Sentinel, and revokes what is withdrawn.",
    "module-type": ["action"],
    "features": "The application that logs in needs the role Microsoft Sentinel Contributor on the workspace.",
    "references": ["https://learn.microsoft.com/azure/sentinel/stix-objects-api"],
    "requirements": ["misp-workflow-actions[stix]"],
}

moduleconfig = {
    "params": {
        "tenant_id": {"description": "Directory (tenant) of the application, an id or a domain", "required": True},
        "client_id": {"description": "Application (client) id", "required": True},
        "client_secret": {"description": "Secret of the application", "required": True, "secret": True},
        "workspace_id": {"description": "Id of the Log Analytics workspace", "required": True},
        "source_system": {"description": "Where Sentinel says that indicators are from", "default": "MISP"},
        "server_url": {
            "description": "Address of the upload API",
            "default": "https://api.ti.sentinel.azure.com",
            "format": "url",
        },
        "login_url": {
            "description": "Address of Microsoft Entra ID",
            "default": "https://login.microsoftonline.com",
            "format": "url",
        },
        "scope": {"description": "What the token is for", "default": "https://management.azure.com/.default"},
        **fields.TLS,
        **STANDING,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes, it is revoked",
}

API = "2024-02-01-preview"
MOST_OBJECTS = 100  # https://learn.microsoft.com/azure/sentinel/stix-objects-api, throttling limits
RESERVED = "microsoft sentinel"
ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]*")


def decide(call):
    """Return the requests that upload and revoke this call's indicators."""
    params = call.params
    for name in ("tenant_id", "workspace_id"):
        if not ID.fullmatch(getattr(params, name)):
            raise ParameterError(f"Parameter '{name}' must be an id of letters, digits and dashes.")
    if params.source_system.strip().lower() == RESERVED:
        raise ParameterError("Parameter 'source_system': Microsoft keeps the name Microsoft Sentinel to itself.")
    login = {name: getattr(params, name) for name in ("client_id", "client_secret", "scope")}
    token_url = f"{params.login_url.rstrip('/')}/{params.tenant_id}/oauth2/v2.0/token"
    request = Bulk(
        dialect="sentinel",
        url=f"{params.server_url.rstrip('/')}/workspaces/{params.workspace_id}/threat-intelligence-stix-objects:upload",
        query={"api-version": API},
        service="Microsoft Sentinel",
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        options={"source": params.source_system, "token_url": token_url, **login},
        stix={"event": stix.head(call), "only": "indicator"},
        at=time.time(),
    )
    return records.carried(call, "source_system", request, at_once=MOST_OBJECTS)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
