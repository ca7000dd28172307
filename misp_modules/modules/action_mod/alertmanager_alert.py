"""Raise alerts in a Prometheus Alertmanager."""

import time

from misp_workflow.action import STANDING, Bulk, expose, fields, records

moduleinfo = {
    "version": "1.0",
    "name": "Alertmanager alert",
    "description": "Raises one alert per attribute in a Prometheus Alertmanager, and resolves what is withdrawn.",
    "module-type": ["action"],
    "features": "The labels are the alert's name and the attribute's uuid, so that a correction updates the alert; "
    "everything else is annotations.",
    "references": ["https://prometheus.io/docs/alerting/latest/clients/"],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of the Alertmanager", "required": True, "format": "url"},
        "alert_name": {"description": "Label alertname", "default": "MispIndicator"},
        "severity": {"description": "Label severity; empty: none", "default": "warning"},
        "keep_hours": {
            "description": "Hours after which an alert ends unless it is raised again",
            "format": "integer",
            "minimum": 1,
            "maximum": 8760,
            "default": 24,
        },
        "username": {"description": "Name to log in with"},
        "password": {"description": "Password to log in with", "secret": True},
        **fields.TLS,
        **STANDING,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes, it is resolved",
}


def decide(call):
    """Return the requests that raise and resolve this call's alerts."""
    params = call.params
    labels = {"severity": params.severity} if params.severity else {}
    request = Bulk(
        dialect="alertmanager",
        url=f"{params.server_url.rstrip('/')}/api/v2/alerts",
        service="Alertmanager",
        basic=(params.username, params.password) if params.username else None,
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        options={"name": params.alert_name, "labels": labels, "keep": params.keep_hours * 3600},
        at=time.time(),
    )
    return records.carried(call, "alert_name", request)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
