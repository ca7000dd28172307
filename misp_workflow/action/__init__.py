"""What an action file sees, and all that it may import besides the standard library."""

from misp_workflow import attribute_types
from misp_workflow.action import fields, rules
from misp_workflow.action.call import Call
from misp_workflow.action.expose import expose
from misp_workflow.action.shared import (
    attachments,
    cases,
    mailing,
    overflow,
    records,
    stix,
    sync,
    syslog,
    writeback,
    written,
)
from misp_workflow.action.shared.standing import STANDING, Standing, standing
from misp_workflow.action.wording import mentions
from misp_workflow.delivery import warninglists
from misp_workflow.effects import (
    Batch,
    Block,
    Bulk,
    Command,
    Effect,
    FileUpdate,
    Mail,
    Notification,
    Pass,
    Post,
    Receipt,
    Record,
)
from misp_workflow.errors import InputError, ParameterError
from misp_workflow.event import DISTRIBUTIONS, View, flag, live, matching, number, tag_names, text
from misp_workflow.words import whole_number

__all__ = [
    "DISTRIBUTIONS",
    "STANDING",
    "Batch",
    "Block",
    "Bulk",
    "Call",
    "Command",
    "Effect",
    "FileUpdate",
    "InputError",
    "Mail",
    "Notification",
    "ParameterError",
    "Pass",
    "Post",
    "Receipt",
    "Record",
    "Standing",
    "View",
    "attachments",
    "attribute_types",
    "cases",
    "expose",
    "fields",
    "flag",
    "live",
    "mailing",
    "matching",
    "mentions",
    "number",
    "overflow",
    "records",
    "rules",
    "standing",
    "stix",
    "sync",
    "syslog",
    "tag_names",
    "text",
    "warninglists",
    "whole_number",
    "writeback",
    "written",
]  # fmt: skip
