"""What an action file sees, and all that it may import besides the standard library."""

from misp_workflow.action import attachments, fields
from misp_workflow.action.call import Call
from misp_workflow.action.expose import expose
from misp_workflow.effects import Block, Effect, Mail, Notification, Pass, Post, Receipt
from misp_workflow.errors import ParameterError
from misp_workflow.event import DISTRIBUTIONS, View, flag, live, matching, number, tag_names

__all__ = [
    "DISTRIBUTIONS", "Block", "Call", "Effect", "Mail", "Notification", "ParameterError", "Pass", "Post", "Receipt",
    "View", "attachments", "expose", "fields", "flag", "live", "matching", "number", "tag_names",
]  # fmt: skip
