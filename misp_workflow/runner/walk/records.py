"""What a run leaves behind: every step with what it saw, did and decided, the jobs, and the end.

Mirrors what Workflow::executeWorkflow answers and what MISP's debug mode reports, in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from misp_workflow.errors import PhpCrash
from misp_workflow.runner.graph.graph import Node, Path
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules.catalogue import Modules
from misp_workflow.runner.modules.execution import Effect, Exchange, Job, Record, Surroundings

StepOutcome = Literal["ok", "error", "crash", "disabled", "unknown", "then", "else", "filter", "queued", "skipped"]
End = Literal["success", "blocked", "failure", "crash", "not started", "not established"]


@dataclass
class Step:
    """One visit of a node.

    outcome: an action was "ok" or gave an "error", or was "skipped" because a node before it failed; of a "crash" the
    walk ended; a module is
    "disabled" or "unknown"; an IF took its "then" or "else"; a filter module set or removed a filter; a concurrent task
    "queued" jobs.
    why: one sentence: the values that were compared, the answer that was read.
    doubt: where it is not established what this MISP does here, the sentence that says so; what follows is likely.
    caught: the exception's message, where MISP took one for a failure of the node.
    data_before: what the module saw, filters applied; by reference, as data never changes in place.
    filters: those in force before the step, by label.
    """

    node: Node
    path: Path
    outcome: StepOutcome
    why: str = ""
    doubt: str = ""
    errors: list[Any] = field(default_factory=list)
    caught: str = ""
    data_before: Any = None
    data_after: Any = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    record: Record = field(default_factory=Record)
    on_blocked_path: bool = False
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        """Whether the node changed the data that travels on, its filters included."""
        return self.data_after is not self.data_before

    @property
    def exchanges(self) -> list[Exchange]:
        return self.record.exchanges

    @property
    def effects(self) -> list[Effect]:
        return self.record.effects


@dataclass
class Walk:
    """One walk through the graph: the workflow's own, or that of a job."""

    success: bool = True
    end: End = "success"
    steps: list[Step] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    executed: list[Node] = field(default_factory=list)
    failed: list[Node] = field(default_factory=list)
    blocked_paths: list[Path] = field(default_factory=list)
    blocked_by: Step | None = None
    crash: PhpCrash | None = None

    @property
    def exchanges(self) -> list[Exchange]:
        return [exchange for step in self.steps for exchange in step.exchanges]

    @property
    def effects(self) -> list[Effect]:
        return [effect for step in self.steps for effect in step.effects]

    @property
    def jobs(self) -> list[Job]:
        return [job for step in self.steps for job in step.record.jobs]


@dataclass
class JobRun(Walk):
    """What a background job did."""

    job: Job = field(default_factory=lambda: Job(0, None, b"[]"))


@dataclass
class Run(Walk):
    """A whole run: the walk, and the jobs that it put aside with those that these did.

    reason: for a run that was not started or gave up, the sentence that says why. doubt: as in a step, of the trigger.
    notes: what else somebody should know before believing that MISP would do the same.
    data: what the first node got; None when it never came so far.
    """

    workflow: Workflow | None = None
    trigger: str | None = None
    blocking: bool = False
    modules: Modules | None = None
    reason: str = ""
    doubt: str = ""
    notes: list[str] = field(default_factory=list)
    data: Any = None
    job_runs: list[JobRun] = field(default_factory=list)
    around: Surroundings | None = field(default=None, repr=False)
