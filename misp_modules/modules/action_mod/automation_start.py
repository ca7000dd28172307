"""Start a workflow in n8n, Node-RED, Shuffle, Tines or Torq."""

import re

from misp_workflow.action import ParameterError, Post, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "Automation start",
    "description": "Starts a workflow in n8n, Node-RED, Shuffle, Tines or Torq by its webhook, with the selected data.",
    "module-type": ["action"],
    "features": "Each calls something else a success, and the answer is judged by it: docs/automation.md. Let the "
    "workflow answer at once: while it runs first, a slow one is started again. The header Idempotency-Key is the same "
    "for every try. Nothing selected: the summary alone, unless selected_or_all is 'all'.",
    "references": [
        "https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/",
        "https://cookbook.nodered.org/http/create-an-http-endpoint",
        "https://shuffler.io/docs/triggers",
        "https://www.tines.com/docs/actions/types/webhook/",
        "https://kb.torq.io/en/articles/9139841-webhook",
    ],
}

moduleconfig = {
    "params": {
        "system": {
            "description": "Whose webhook it is",
            "format": "choice",
            "choices": ["n8n", "node-red", "shuffle", "tines", "torq"],
            "words": {"nodered": "node-red"},
            "required": True,
        },
        "webhook_url": {
            "description": "Address of the webhook; of n8n's two the production URL",
            "required": True,
            "format": "url",
            "secret": True,
        },
        "auth_header": {"description": "Name of the header that the webhook asks for", "default": "Authorization"},
        "auth_value": {"description": "Its value, such as Bearer …; empty: no such header", "secret": True},
        **fields.TLS,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

SAYS_YES = {
    "n8n": {"error_at": "message"},
    "node-red": {},
    "shuffle": {"expect": {"success": True}, "error_at": "reason"},
    "tines": {},
    "torq": {},
}
"""What else than a status of 2xx each one's yes has, and where it says why not."""

TEST_URL = re.compile(r"/webhook-test/")


def decide(call):
    """Return the request that starts the workflow."""
    params = call.params
    if params.system == "n8n" and TEST_URL.search(params.webhook_url):
        raise ParameterError(
            "Parameter 'webhook_url' is n8n's test URL, which works once while the editor listens: take the production "
            "URL, and activate the workflow."
        )
    if params.auth_value and not re.fullmatch(r"[A-Za-z0-9-]+", params.auth_header):
        raise ParameterError("Parameter 'auth_header' must be a header's name, such as Authorization.")
    return Post(
        url=params.webhook_url,
        json=call.as_json(),
        headers={params.auth_header: params.auth_value} if params.auth_value else {},
        key_at="header:Idempotency-Key",
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        **SAYS_YES[params.system],
    )


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
