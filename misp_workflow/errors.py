"""Every error of this package, as one tree.

WorkflowError                 one plain sentence for an analyst in str(); never a secret
├── InputError                what the caller gave cannot be used
│   ├── ParameterError        a node's parameter is missing or has a wrong value
│   ├── TemplateError         a template does not parse, or fails on this data
│   └── SettingsError         the operator's settings file
├── DeliveryError             an effect could not be performed, nor kept for later
├── LateError                 the time in which a call must be answered is over
├── NothingToTell             the node's own text is empty for this call: it says so by a condition
└── RunnerError               the local workflow engine
    ├── GraphError            a workflow that MISP would not store or could not start
    └── PhpCrash              PHP's own Error, which MISP does not catch: the request dies there
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WorkflowError(Exception):
    """Root of the tree. The text is shown to people as it is."""


class InputError(WorkflowError):
    """What the caller gave cannot be used."""


class ParameterError(InputError):
    """A node's parameter is missing or has a wrong value."""


class TemplateError(InputError):
    """A template does not parse, or fails on this data."""


class SettingsError(InputError):
    """The operator's settings file is unusable."""


class DeliveryError(WorkflowError):
    """An effect could not be performed, nor kept for later."""


class LateError(WorkflowError):
    """The time in which a call must be answered is over."""


class NothingToTell(WorkflowError):  # noqa: N818 - no failure: whoever hears it has nothing to do
    """The node's own text comes out empty, which is how a template says that a call is none of its business."""


class RunnerError(WorkflowError):
    """The local workflow engine cannot go on."""


class GraphError(RunnerError):
    """A workflow that MISP would not store or could not start."""


class PhpCrash(RunnerError):  # noqa: N818 - it is named for what it mirrors
    """PHP throws here, and MISP does not catch it.

    `kind` is the PHP class (TypeError, DivisionByZeroError, …), `message` PHP's wording as far as it is known.
    """

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(
            f"MISP would crash here with a PHP {kind}: {message}"
            if message
            else f"MISP would crash here with a PHP {kind}"
        )
        self.kind = kind
        self.message = message


NEAR = 0.6
"""The part of two names that must be the same, in the same order, for one to be taken for the other."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; the nearest name is “x”" for the end of a sentence, or "" when nothing is near."""
    # difflib looks at the whole name first, which may have a megabyte: it comes from whoever edits the workflow
    known = [one for one in known if 2 * min(len(one), len(name)) >= NEAR * (len(one) + len(name))]
    near = difflib.get_close_matches(name, known, n=1, cutoff=NEAR) if known else []
    return f"; the nearest name is “{near[0]}”" if near else ""
