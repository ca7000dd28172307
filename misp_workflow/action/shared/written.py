"""What operators write of a request themselves: address, headers and body, as templates."""

from __future__ import annotations

import re
from urllib.parse import unquote

from misp_workflow.action.call import Call
from misp_workflow.errors import ParameterError

_SERVER_PART = re.compile(r"[a-zA-Z]+://[^/?#]*")
_PATH_PART = re.compile(r"(?:\{\{.*?\}\}|\{%.*?%\}|[^?#])*", re.DOTALL)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_BODY_STYLES = {
    "text/html": "html",
    "application/x-www-form-urlencoded": "url_query",
    "text/markdown": "markdown",
    "text/csv": "csv",
}


def url(call: Call, name: str) -> str:
    """Return the parameter `name`, a URL whose path and query may be templates; event text never moves the request.

    Scheme, host and port must stand there in so many letters; a rendered value can be neither "." nor ".." nor hold
    a slash of its own.
    """
    source = getattr(call.params, name)
    server = _SERVER_PART.match(source)
    if not server or "{{" in server[0] or "{%" in server[0]:
        raise ParameterError(f"Parameter '{name}': the server's name must be written out, not come from a template.")
    rest = source[server.end() :]
    if "{" not in rest:
        return str(source)
    path = _PATH_PART.match(rest)
    cut = path.end() if path else 0
    rendered = call.render_text(rest[:cut], "url_path", name)
    if any(unquote(segment) in {".", ".."} for segment in rendered.split("/")):
        raise ParameterError(f"Parameter '{name}': event text would climb in the address's path; nothing was sent.")
    return server[0] + rendered + call.render_text(rest[cut:], "url_query", name)


def headers(call: Call, name: str) -> dict[str, str]:
    """Return the parameter `name`, one "Name: value" per line, as headers; no rendered value can break its line."""
    found = {}
    for line in getattr(call.params, name).splitlines():
        field, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not _HEADER_NAME.fullmatch(field.strip()):
            raise ParameterError(f"Parameter '{name}': each line must read 'Name: value'.")
        found[field.strip()] = call.render_text(value.strip(), "header", name)
    return found


def body(call: Call, name: str, content_type: str) -> str:
    """Return the parameter `name` rendered for this content type; a JSON body stays JSON, or is an error."""
    kind = content_type.partition(";")[0].strip().lower()
    style = "json" if kind.endswith(("/json", "+json")) else _BODY_STYLES.get(kind, "text")
    return call.render(name, style)
