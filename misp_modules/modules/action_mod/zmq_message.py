"""Publish the selected data on a ZeroMQ socket."""

import json

from misp_workflow.action import ParameterError, Record, expose, fields, stix

moduleinfo = {
    "version": "1.0",
    "name": "ZeroMQ message",
    "description": "Publishes the selected data on a ZeroMQ PUB socket, in MISP's own layout or as two frames.",
    "module-type": ["action"],
    "features": "ZeroMQ tells nobody who listens: delivered means handed over to the socket. Every replica of "
    "misp-modules needs an address of its own to bind to. Nothing selected: the summary alone, unless "
    "selected_or_all is 'all'.",
    "references": ["https://www.circl.lu/doc/misp/misp-zmq/", "https://zguide.zeromq.org/docs/chapter2/"],
    "requirements": ["misp-workflow-actions[zmq]"],
}

moduleconfig = {
    "params": {
        "address": {"description": "Address of the socket", "default": "tcp://127.0.0.1:50001"},
        "connect_to_proxy": {
            "formerly": ["connect"],
            "description": "false: listen at the address, as MISP does; true: call a proxy that listens there",
            "format": "boolean",
            "default": False,
        },
        "topic": {"description": "Topic that subscribers choose by", "default": "misp_json_workflow"},
        "layout": {
            "description": "misp: one frame, the topic, a space, the JSON; frames: the topic and the JSON apart; "
            "stix21: as misp, the JSON a bundle of STIX 2.1 objects",
            "format": "choice",
            "choices": ["misp", "frames", "stix21"],
            "default": "misp",
            "needs": {"stix21": "stix"},
        },
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

TRANSPORTS = ("tcp://", "ipc://")  # https://libzmq.readthedocs.io/en/latest/zmq_bind.html


def decide(call):
    """Return the message."""
    params, topic = call.params, call.params.topic
    if not params.address.startswith(TRANSPORTS):
        raise ParameterError("Parameter 'address' must begin with tcp:// or ipc://.")
    if not topic.isascii() or not topic.isprintable() or " " in topic:
        raise ParameterError("Parameter 'topic' must be one word of plain letters, such as misp_json_workflow.")
    as_stix = params.layout == "stix21"
    told = stix.selection(call) if as_stix else call.as_json()
    if told is None:
        return call.skip("nothing was selected; set 'selected_or_all' to all for every attribute")
    body = json.dumps(told, ensure_ascii=False)
    frames = {"misp": (f"{topic} {body}",), "frames": (topic, body), "stix21": (body,)}[params.layout]
    return Record(
        address=params.address,
        bind=not params.connect_to_proxy,
        topic=topic,
        frames=frames,
        stix=as_stix,
        service="ZeroMQ",
    )


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
