"""Add entries to a Redis stream."""

from misp_workflow.action import expose, fields, records

moduleinfo = {
    "version": "1.0",
    "name": "Redis stream",
    "description": "Adds one entry per attribute, or per event, to a Redis stream of bounded length.",
    "module-type": ["action"],
    "features": "An entry has the fields id, body and withdrawn. "
    "Records are for attributes that are for detection, tombstones for what is withdrawn.",
    "references": ["https://redis.io/docs/latest/commands/xadd/"],
    "requirements": ["misp-workflow-actions[queue]"],
}

moduleconfig = {
    "params": {
        **records.address("a Redis server", "redis://redis.example.org/0, or rediss:// for TLS"),
        "stream": {
            "description": "Key of the stream; may use {{ attribute.type }} and what messages may use",
            "default": "misp",
            "template": True,
            "per_attribute": True,
        },
        "stream_length": {
            "formerly": ["length"],
            "description": "Entries that the stream keeps, about",
            "format": "integer",
            "minimum": 1,
            "maximum": 10_000_000,
            "default": 100_000,
        },
        **records.BROKER,
        **records.RECORDS,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "by a further entry",
    "withdraws": "by a further entry",
}


def decide(call):
    """Return the records of this call."""
    return records.effects(call, "stream", "redis", "Redis", ("redis", "rediss"), length=call.params.stream_length)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
