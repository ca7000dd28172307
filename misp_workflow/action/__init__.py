"""What an action file sees, and all that it may import besides the standard library."""

from misp_workflow.action import fields
from misp_workflow.action.call import Call
from misp_workflow.action.expose import expose
from misp_workflow.effects import Block, Effect, Pass, Post, Receipt
from misp_workflow.errors import ParameterError
from misp_workflow.event import DISTRIBUTIONS, View, flag, live, matching, number, tag_names

__all__ = [
    "DISTRIBUTIONS", "Block", "Call", "Effect", "ParameterError", "Pass", "Post", "Receipt", "View",
    "expose", "fields", "flag", "live", "matching", "number", "tag_names",
]  # fmt: skip
