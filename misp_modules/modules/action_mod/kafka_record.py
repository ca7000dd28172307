"""Publish records on a Kafka topic."""

from misp_workflow.action import expose, fields, records

moduleinfo = {
    "version": "1.0",
    "name": "Kafka record",
    "description": "Publishes one record per attribute, or per event, on a Kafka topic, acknowledged by all replicas.",
    "module-type": ["action"],
    "features": "The key is the uuid, and a withdrawn attribute becomes a record without a value, so that a compacted "
    "topic holds what stands. "
    "Records are for attributes that are for detection, tombstones for what is withdrawn.",
    "references": ["https://kafka.apache.org/documentation/#producerconfigs_acks"],
    "requirements": ["misp-workflow-actions[kafka]"],
}

moduleconfig = {
    "params": {
        **records.address("a Kafka broker", "kafka://kafka.example.org:9092, or kafkas:// for TLS"),
        "topic": {
            "description": "Topic; may use {{ attribute.type }} and what messages may use",
            "default": "misp",
            "template": True,
            "per_attribute": True,
        },
        "login_mechanism": {
            "formerly": ["mechanism"],
            "description": "How the login is sent",
            "format": "choice",
            "choices": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
            "default": "PLAIN",
        },
        "idempotent": {
            "description": "false: for a broker that does not know idempotent producers",
            "format": "boolean",
            "default": True,
        },
        **records.BROKER,
        **records.RECORDS,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes, by the key",
    "withdraws": "yes, a tombstone",
}


def decide(call):
    """Return the records of this call."""
    params, schemes = call.params, ("kafka", "kafkas")
    options = {"mechanism": params.login_mechanism, "idempotent": params.idempotent}
    return records.effects(call, "topic", "kafka", "Kafka", schemes, **options)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
