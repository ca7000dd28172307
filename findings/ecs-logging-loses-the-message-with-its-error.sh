#!/usr/bin/env bash
# ecs-logging 2.3.0: a message is lost when what is added to it has a name that ECS uses for a group.
#
# An exception becomes error.type, error.message and so on. Given extra={"error": "…"} along with it, the text and the
# group cannot be joined: the formatter raises TypeError, which logging prints on standard error at most, and the line
# is not written: the failure that was to be logged is the one that is not. So with "source" beside "source.ip".
#
# Seen:
#     with nothing added: 1 line
#     with error_text added: 1 line
#     with error added: 0 line
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check ecs-logging==2.3.0
venv/bin/python - <<'PYTHON'
import io
import logging

import ecs_logging

logging.raiseExceptions = False
written = {}
for name, extra in (("nothing", {}), ("error_text", {"error_text": "disk full"}), ("error", {"error": "disk full"})):
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(ecs_logging.StdlibFormatter())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise OSError("write failed")
    except OSError:
        logger.exception("not stored", extra=extra)
    written[name] = len(log.getvalue().splitlines())
    print("with", name, "added:", written[name], "line")
assert written == {"nothing": 1, "error_text": 1, "error": 0}
PYTHON
