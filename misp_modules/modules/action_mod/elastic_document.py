"""Index documents in Elasticsearch or OpenSearch."""

import time

from misp_workflow.action import STANDING, Bulk, ParameterError, expose, fields, records

moduleinfo = {
    "version": "1.0",
    "name": "Elastic document",
    "description": "Indexes one document per attribute in Elasticsearch or OpenSearch, and deletes what is withdrawn.",
    "module-type": ["action"],
    "features": "A document's id is the attribute's uuid, so that a correction replaces it. In a data stream nothing "
    "is deleted: a further document says that it is withdrawn.",
    "references": [
        "https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk",
        "https://www.elastic.co/docs/reference/ecs/ecs-threat",
    ],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of the cluster", "required": True, "format": "url"},
        "index": {
            "description": "Index or data stream; may use {{ attribute.type }} and what messages may use",
            "default": "misp-indicators",
            "template": True,
            "per_attribute": True,
        },
        "data_stream": {"description": "true: it is a data stream", "format": "boolean", "default": False},
        "layout": {
            "description": "ecs: Elastic Common Schema (threat.indicator); flat: one plain object; misp: core format",
            "format": "choice",
            "choices": ["ecs", "flat", "misp"],
            "default": "ecs",
        },
        "api_key": {"description": "API key (encoded); or a user and password", "secret": True},
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
    "withdraws": "yes; in a data stream by a further document",
}


def decide(call):
    """Return the requests that index and delete this call's documents."""
    params = call.params
    if params.api_key and params.username:
        raise ParameterError("Parameters 'api_key' and 'username' are two ways in: set one of them.")
    request = Bulk(
        dialect="elastic",
        url=f"{params.server_url.rstrip('/')}/_bulk",
        service="Elasticsearch",
        headers={"Authorization": f"ApiKey {params.api_key}"} if params.api_key else {},
        basic=(params.username, params.password) if params.username else None,
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        options={"data_stream": params.data_stream},
        at=time.time(),
    )
    return records.carried(call, "index", request)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
