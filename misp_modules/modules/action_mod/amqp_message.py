"""Publish messages to an AMQP exchange (RabbitMQ)."""

from misp_workflow.action import expose, fields, records

moduleinfo = {
    "version": "1.0",
    "name": "AMQP message",
    "description": "Publishes one message per attribute, or per event, to an AMQP exchange, confirmed by the broker.",
    "module-type": ["action"],
    "features": "What no queue takes is an error. The header withdrawn says whether a message is a tombstone. "
    "Records are for attributes that are for detection, tombstones for what is withdrawn.",
    "references": ["https://www.rabbitmq.com/docs/confirms"],
    "requirements": ["misp-workflow-actions[amqp]"],
}

moduleconfig = {
    "params": {
        **records.address("an AMQP 0-9-1 broker", "amqp://rabbit.example.org, or amqps:// for TLS"),
        "exchange": {"description": "Exchange; empty: the default one, where the routing key is a queue's name"},
        "routing_key": {
            "description": "Routing key; may use {{ attribute.type }} and what messages may use",
            "default": "misp",
            "template": True,
            "per_attribute": True,
        },
        "virtual_host": {"description": "Virtual host", "default": "/"},
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
    params, schemes = call.params, ("amqp", "amqps")
    options = {"exchange": params.exchange, "vhost": params.virtual_host}
    return records.effects(call, "routing_key", "amqp", "RabbitMQ", schemes, **options)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
