"""Send events to Splunk's HTTP Event Collector."""

import time

from misp_workflow.action import STANDING, Bulk, expose, fields, records

moduleinfo = {
    "version": "1.0",
    "name": "Splunk event",
    "description": "Sends one event per attribute to Splunk's HTTP Event Collector.",
    "module-type": ["action"],
    "features": "Nothing is ever taken out of Splunk: what is withdrawn is a further event with withdrawn true.",
    "references": [
        "https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector",
        "https://docs.splunk.com/Documentation/Splunk/latest/Data/AboutHECIDXAck",
    ],
}

moduleconfig = {
    "params": {
        "collector_url": {
            "description": "Address of the collector, such as https://splunk.example.org:8088",
            "required": True,
            "format": "url",
        },
        "token": {"description": "Token of the collector", "required": True, "secret": True},
        "index": {"description": "Index; empty: the token's own"},
        "sourcetype": {"description": "Source type", "default": "misp:attribute"},
        "source": {"description": "Source", "default": "misp-workflow"},
        "acknowledge": {
            "description": "true: delivered means indexed, for a token with indexer acknowledgement",
            "format": "boolean",
            "default": False,
        },
        **fields.TLS,
        **STANDING,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "by a further event",
    "withdraws": "by a further event",
}


def decide(call):
    """Return the requests that carry this call's events."""
    params = call.params
    named = {"index": params.index, "sourcetype": params.sourcetype, "source": params.source}
    named["acknowledge"] = params.acknowledge
    request = Bulk(
        dialect="splunk",
        url=f"{params.collector_url.rstrip('/')}/services/collector/event",
        service="Splunk",
        headers={"Authorization": f"Splunk {params.token}"},
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        options={name: value for name, value in named.items() if value},
        at=time.time(),
    )
    return records.carried(call, "sourcetype", request)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
