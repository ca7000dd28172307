"""Publish messages to a NATS JetStream."""

from misp_workflow.action import expose, fields, records

moduleinfo = {
    "version": "1.0",
    "name": "NATS message",
    "description": "Publishes one message per attribute, or per event, to a NATS JetStream, with its acknowledgement.",
    "module-type": ["action"],
    "features": "A repetition within the window of the stream is known by its id. No stream for a subject is an error. "
    "A tombstone is an empty message with the header Withdrawn. "
    "Records are for attributes that are for detection, tombstones for what is withdrawn.",
    "references": ["https://docs.nats.io/nats-concepts/jetstream"],
    "requirements": ["misp-workflow-actions[nats]"],
}

moduleconfig = {
    "params": {
        **records.address("a NATS server", "nats://nats.example.org, or tls:// for TLS"),
        "subject": {
            "description": "Subject; may use {{ attribute.type }} and what messages may use",
            "default": "misp.attributes",
            "template": True,
            "per_attribute": True,
        },
        **records.BROKER,
        **records.RECORDS,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "by a further message",
    "withdraws": "by a further message",
}


def decide(call):
    """Return the records of this call."""
    return records.effects(call, "subject", "nats", "NATS", ("nats", "tls"))


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
