"""Publish messages on an MQTT topic."""

from misp_workflow.action import expose, fields, records

moduleinfo = {
    "version": "1.0",
    "name": "MQTT message",
    "description": "Publishes one message per attribute, or per event, on an MQTT 5 topic, acknowledged by the broker.",
    "module-type": ["action"],
    "features": "QoS 1: the acknowledgement says when the broker does not take a message. A tombstone is an empty "
    "message, which also clears a retained one. "
    "Records are for attributes that are for detection, tombstones for what is withdrawn.",
    "references": ["https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html"],
    "requirements": ["misp-workflow-actions[mqtt]"],
}

moduleconfig = {
    "params": {
        **records.address("an MQTT 5 broker", "mqtt://mqtt.example.org, or mqtts:// for TLS"),
        "topic": {
            "description": "Topic; may use {{ attribute.uuid }} and what messages may use",
            "default": "misp/attributes/{{ attribute.uuid }}",
            "template": True,
            "per_attribute": True,
        },
        "retain_last": {
            "formerly": ["retain"],
            "description": "true: the broker keeps each topic's last message for who comes later",
            "format": "boolean",
            "default": False,
        },
        **records.BROKER,
        **records.RECORDS,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes, where the topic holds the uuid",
    "withdraws": "yes, an empty message",
}


def decide(call):
    """Return the records of this call."""
    schemes = ("mqtt", "mqtts")
    return records.effects(call, "topic", "mqtt", "The MQTT broker", schemes, retain=call.params.retain_last)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
