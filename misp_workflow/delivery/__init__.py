"""What happens to an effect once an action has decided: tried, kept, tried again, accounted for. See docs/delivery.md.

Importing this starts nothing.
"""

from __future__ import annotations

import sys


def start() -> None:
    """Send on, in the background, what waits since an earlier run. Cheap, may be called often, never raises."""
    from misp_workflow.delivery import deliver

    deliver.start()


def stop() -> None:
    """End the workers of this process and let go of the outbox; happens by itself when the process ends."""
    if "misp_workflow.delivery.deliver" in sys.modules:
        from misp_workflow.delivery import deliver

        deliver.stop()
