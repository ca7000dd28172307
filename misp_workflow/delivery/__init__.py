"""What happens to an effect once an action has decided: tried, kept, tried again, accounted for. See docs/delivery.md.

Importing this starts nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading

from misp_workflow import settings
from misp_workflow.delivery import trial

OUTBOX_FILE = "outbox.sqlite3"
"""Its name in the state folder; said here too, because looking for it must not load what opens it."""

_started = 0


def start() -> None:
    """Send on, in the background, what waits since an earlier run. Cheap, may be called often, never raises.

    Where nothing can wait, nothing is loaded: that would be most of what the pack adds to the server's start.
    """
    global _started
    if _started == os.getpid() or trial.current() is not None or not _something_may_wait():
        return
    _started = os.getpid()
    with contextlib.suppress(RuntimeError):  # no new threads at the end of the process
        threading.Thread(target=_resume, name="misp-workflow-start", daemon=True).start()


def _something_may_wait() -> bool:
    try:
        rules = settings.current()
        return bool(rules.outbox.url_reference) or (rules.state_folder / OUTBOX_FILE).exists()
    except Exception:  # whatever it is, the first effect will say it to somebody
        return False


def _resume() -> None:
    from misp_workflow.delivery import deliver

    deliver.resume()


def stop() -> None:
    """End the workers of this process and let go of the outbox; happens by itself when the process ends."""
    if "misp_workflow.delivery.deliver" in sys.modules:
        from misp_workflow.delivery import deliver

        deliver.stop()
