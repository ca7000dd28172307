"""Where accepted effects live until they have a final receipt.

One interface, `Outbox`, with two implementations: `sqlite` (a file of this machine, the default), made of what is in
`on_disk`, and `dramatiq` (Redis or RabbitMQ, shared by many machines), made of what is in `at_broker`. Effects are
sealed in both: `seal`.
"""

from __future__ import annotations

from misp_workflow.delivery.outbox.base import Claim, Entry, Item, Outbox, Rest, Taken, Totals
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.errors import SettingsError
from misp_workflow.settings import Settings

__all__ = ["Claim", "Entry", "Item", "Outbox", "Rest", "Taken", "Totals", "identity", "open_outbox"]


def identity(rules: Settings) -> tuple[object, ...]:
    """Return what tells the outbox of these settings from that of others."""
    return (rules.state_folder, rules.outbox)


def open_outbox(rules: Settings) -> Outbox:
    """Return the outbox that the settings name; nothing is opened yet. WorkflowError when it cannot be used."""
    url = rules.outbox.url
    if url:
        try:
            from misp_workflow.delivery.outbox.dramatiq import DramatiqOutbox
        except ImportError:
            raise SettingsError("outbox.url needs more: pip install 'misp-workflow-actions[queue]'.") from None
        return DramatiqOutbox(url, key=rules.outbox.key, window=rules.outbox.window)
    return SqliteOutbox(
        rules.state_folder, window=rules.outbox.window, max_bytes=rules.outbox.max_bytes, key=rules.outbox.key
    )
