"""Send an HTTP request to any service."""

from misp_workflow.action import ParameterError, Post, expose, fields, whole_number, written

moduleinfo = {
    "version": "1.0",
    "name": "HTTP request",
    "description": "Sends one HTTP request: address, headers and body as templates, signed when you give a secret.",
    "module-type": ["action"],
    "features": "An empty body sends the selected items as JSON, with a summary of the event. Nothing selected: the "
    "summary alone, unless selected_or_all is 'all'. The server's name never comes from event text.",
    "references": ["https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"],
}

moduleconfig = {
    "params": {
        "url": {
            "description": "Address; its path and query may be templates",
            "required": True,
            "format": "url",
            "template": True,
            "secret": True,
        },
        "method": {
            "description": "GET, POST, PUT, PATCH or DELETE",
            "format": "choice",
            "choices": ["GET", "POST", "PUT", "PATCH", "DELETE"],
            "default": "POST",
        },
        "headers": {
            "type": "large_string",
            "description": "Headers, one 'Name: value' per line; values may be templates",
            "template": True,
            "secret": True,
        },
        "body": {
            "type": "large_string",
            "description": "Body as a template; empty: the selected items as JSON",
            "template": True,
        },
        "content_type": {"description": "Content type of the body", "default": "application/json"},
        "signing_secret": {"description": "Standard Webhooks secret (whsec_…) that signs the request", "secret": True},
        **fields.TLS,
        "client_certificate": {"description": "PEM file with the client's certificate and key"},
        "expect_status": {
            "description": "Status codes that mean success, with commas; empty: any 2xx",
            "format": "list",
            "each": "word",
        },
        **fields.ITEMS,
        **fields.ABOUT,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

STATUSES = range(100, 600)


def decide(call):
    """Return the request as the node describes it."""
    params = call.params
    statuses = tuple(map(whole_number, params.expect_status))
    if not all(status in STATUSES for status in statuses):
        raise ParameterError("Parameter 'expect_status' must hold status codes, such as 200, 202.")
    return Post(
        url=written.url(call, "url"),
        method=params.method,
        headers=written.headers(call, "headers"),
        content_type=params.content_type,
        sign_with=params.signing_secret,
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        client_certificate=params.client_certificate,
        expect_status=statuses,
        **body(call),
    )


def body(call):
    """Return the fields of the request that carry its content."""
    if call.params.body:
        return {"body": written.body(call, "body", call.params.content_type)}
    return {} if call.params.method == "GET" else {"json": call.as_json()}


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
