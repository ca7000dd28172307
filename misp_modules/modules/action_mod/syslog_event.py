"""Send attributes to a log server or SIEM by syslog."""

import time

from misp_workflow.action import STANDING, Batch, ParameterError, expose, fields, records, syslog

moduleinfo = {
    "version": "1.0",
    "name": "Syslog event",
    "description": "Sends one RFC 5424 message per attribute over UDP, TCP or TLS: CEF, LEEF 2.0, JSON or a template.",
    "module-type": ["action"],
    "features": "Over TCP and TLS, delivered means that the receiver read everything and closed; UDP tells nobody.",
    "references": ["https://www.rfc-editor.org/rfc/rfc5424", "https://www.rfc-editor.org/rfc/rfc6587"],
}

moduleconfig = {
    "params": {
        **records.address("the log server", "tcp://log.example.org:601, tls://… or udp://…"),
        "message_format": {
            "description": "cef, leef (2.0), json, or template: what 'message' says",
            "format": "choice",
            "choices": ["cef", "leef", "json", "template"],
            "default": "cef",
        },
        "message": {
            "type": "large_string",
            "description": "Text for the format template; may use {{ attribute.value }}, {{ attribute.withdrawn }} …",
            "template": True,
            "per_attribute": True,
        },
        "facility": {
            "description": "Facility, 0 to 23; 16 is local0",
            "format": "integer",
            "minimum": 0,
            "maximum": 23,
            "default": 16,
        },
        "longest_frame": {
            "description": "Bytes of the longest message that the receiver takes; rsyslog takes 8096",
            "format": "integer",
            "minimum": 480,
            "maximum": 65_000,
            "default": 8096,
        },
        "enterprise_number": {
            "formerly": ["enterprise"],
            "description": "Private enterprise number for the structured data; 32473 is the one for examples",
            "format": "integer",
            "minimum": 1,
            "maximum": 4_294_967_295,
            "default": 32473,
        },
        **fields.TLS,
        **STANDING,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "by a further message",
    "withdraws": "by a further message",
}

SCHEMES = ("udp", "tcp", "tls")


def decide(call):
    """Return the messages of this call."""
    params = call.params
    if trouble := records.address_trouble(params.address, SCHEMES):
        raise ParameterError(f"Parameter 'address' {trouble}.")
    server = Batch(
        system="syslog",
        service="The log server",
        address=params.address,
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        at=time.time(),
    )
    return syslog.lines(call, server)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
