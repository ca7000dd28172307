"""From an action's three parts to what misp-modules calls: (info, config, decide) -> handler, dict_handler, …

Whatever happens inside, MISP gets `{"data": …}` or `{"error": "one sentence"}`: a failure that is not said as an error
is a success to MISP, and an exception leaves the operator with nothing to read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
import traceback
from collections.abc import Callable, Collection
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

from misp_workflow import deadline, delivery, loaded, local_time, settings
from misp_workflow.action import again, routing
from misp_workflow.action import params as parameters
from misp_workflow.action.about import OCCASIONS, about
from misp_workflow.action.acting import Acting, Decision
from misp_workflow.action.answers import Answer, Refusal, sentence, taken_back, with_note
from misp_workflow.action.call import Call
from misp_workflow.action.nodes import MOST, OVERTIME, Texts, Unwatched, is_short
from misp_workflow.action.params import Params
from misp_workflow.action.request import answer_within, chosen, parsed
from misp_workflow.deadline import Watch
from misp_workflow.delivery import guard, marking, trial, verdicts
from misp_workflow.effects import (
    Pass,
    mask,
)
from misp_workflow.errors import InputError, LateError, NothingToTell, WorkflowError
from misp_workflow.event import View, rows
from misp_workflow.printable import logger
from misp_workflow.settings import Destination, Settings, misps
from misp_workflow.settings.routes import ROUTE

LOG = logger("misp_workflow.action")

LATE_GATE = (
    "Not passed: this could not be judged within {seconds:g} s (answer_within): the data is large, or this server is "
    "busy."
)
LATE = (
    "The data could not be made ready within {seconds:g} s (answer_within): it is large, or this server is busy. "
    "Nothing was sent."
)

SILENT = (
    "This server did not come to an end within {seconds:g} s (answer_within), so whether anything was sent is not "
    "known: see 'misp-workflow outbox', and 'misp-workflow sent' with the event's uuid."
)

INFO_KEYS = {
    "version": "",
    "author": "misp-workflow-actions contributors",
    "description": "",
    "module-type": ["action"],
    "name": "",
    "logo": "",
    "requirements": [],
    "features": "",
    "references": [],
    "input": "The data of a workflow.",
    "output": "Success, or an error in one sentence.",
}
"""The eleven keys that upstream's modules have, with what stands there when an action says nothing."""


def expose(
    info: dict[str, Any], config: dict[str, Any], decide: Callable[[Call], Decision]
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[[], Answer], Callable[[], Answer]]:
    """Return handler, dict_handler, introspection and version for one action; completes `info` and `config` in place.

    `config["leaves_home"]` (by default true of what does not block) says whether data goes to somebody else, so that
    the clearance applies; a gate judges the whole event, a change in the operator's own MISP tells nobody anything.
    `config["least_distribution"]` is the least distribution of what may go, whatever the settings say.

    `decide` gets the Call and returns an effect, several of them, a verdict (Pass or Block), or the receipt of having
    nothing to do.
    """
    # the file's name is the module's name in MISP, whoever loaded it and by whatever name
    file = Path(decide.__code__.co_filename)
    unwatched = Unwatched(file.resolve(), possible=not config["blocking"] and config.get("leaves_home", True))
    action = _Action(file.stem, info, config, decide, unwatched)
    for key, default in INFO_KEYS.items():
        info.setdefault(key, default)
    parameters.declare(config["params"])

    def handler(q: Any = False) -> Answer | bool:
        return False if q is False else action.answer(q)

    def dict_handler(request: Any) -> Answer:
        return action.answer(request)

    def introspection() -> Answer:
        _send_on()
        return {"config": config}

    def version() -> Answer:
        _send_on()
        return {**info, "config": config}

    return handler, dict_handler, introspection, version


def _send_on() -> None:
    """Let what waits since an earlier run go out: misp-modules asks every module for its description when it starts.

    The command line asks, too, and must send nothing of the operator's by merely looking.
    """
    if "misp_modules" in sys.modules:
        delivery.start()


@dataclasses.dataclass(frozen=True)
class _Action:
    name: str
    info: dict[str, Any]
    config: dict[str, Any]
    decide: Callable[[Call], Decision]
    unwatched: Unwatched

    def answer(self, request: Any) -> Answer:
        """Return what MISP shall hear, in time; nothing ever escapes from here.

        The work is done in a thread of its own: when its time is over, this one answers, whatever the other still does.
        A gate refuses then. All else looks at the clock itself, so it gets a little more: what is late all the same
        waits for something that does not, a disk say. In a trial nobody waits. What is small and known not to come to
        anything that may wait, as to queue a message, this thread does itself: another's turn would cost more.
        """
        watch, within = Watch(), answer_within(request)
        end = time.monotonic() + within
        if trial.current() is not None:
            return self._heard(request, end, watch)
        if (seconds := self.unwatched.seconds(request, within)) is not None:
            early = end - within + seconds
            if (alone := watch.alone_with(lambda: self._heard(request, early, watch))) is not None:
                if "error" in alone or time.monotonic() > early:  # the next one may take as long
                    self.unwatched.learn(request, waits=True)
                return alone
        said, seconds, note = SILENT, within * OVERTIME, None
        if self.config["blocking"]:
            said, seconds, note = LATE_GATE, within, self._count
        late = {"error": said.format(seconds=within)}
        answer = watch.answer_of(lambda: self._heard(request, end, watch), seconds, late, note)
        loaded.keep()  # by now everything is: misp-modules' own at its start, ours by the first call
        self.unwatched.learn(request, waits=watch.waits or "error" in answer)
        return answer

    def _count(self, said: Answer) -> None:
        """Count a gate's verdict, for monitoring."""
        verdict: verdicts.Verdict = (
            "passed" if "data" in said else "refused" if isinstance(said, Refusal) else "undecided"
        )
        with contextlib.suppress(WorkflowError):  # settings that cannot be read, which the answer says
            verdicts.count(settings.current().state_folder, self.name, verdict)

    def _heard(self, request: Any, end: float, watch: Watch) -> Answer:
        problem = ""
        try:
            rules = settings.current()
            problem = rules.problem
            with deadline.until(end):
                answer = self._answer(parsed(request, rules.largest_request), rules, end, watch)
        except LateError:
            late = LATE_GATE if self.config["blocking"] else LATE
            answer = {"error": late.format(seconds=answer_within(request))}
        except WorkflowError as error:
            answer = {"error": sentence(str(error))}
        except RecursionError:
            answer = {"error": "The data is nested too deeply to be read; nothing was done."}
        except MemoryError:
            answer = {"error": "The data is too large for this server's memory; nothing was done."}
        except Exception:
            # the text of an exception may quote data, so only the places are logged
            LOG.error("bug in %s\n%s", self.name, "".join(_places()))
            said = f"The module {self.name} failed on its own account; nothing was done. Its log names the place."
            answer = {"error": said}
        return with_note(answer, problem)

    def _answer(self, request: dict[str, Any], rules: Settings, end: float, watch: Watch) -> Answer:
        given = request.get("params")
        wanted = given.get("destination", "") if isinstance(given, dict) else ""
        wanted = wanted.strip() if isinstance(wanted, str) else ""
        if not wanted.startswith(ROUTE):
            return self._told(rules.destination(wanted), request, rules, end, watch)
        if not self._leaves:
            raise InputError(f"{self.name} sends nothing to anybody, so no {ROUTE}… can choose where to.")

        def tell(place: str, until: float) -> Answer:
            return self._told(rules.destination(place), request, rules, until, watch)

        return routing.along(wanted.removeprefix(ROUTE).strip(), request["data"], rules, self.name, end, tell)

    @property
    def _leaves(self) -> bool:
        """Whether data goes to somebody else."""
        return bool(self.config.get("leaves_home", not self.config["blocking"]))

    def _told(
        self, destination: Destination, request: dict[str, Any], rules: Settings, end: float, watch: Watch
    ) -> Answer:
        given = request.get("params")
        least = self.config.get("least_distribution", 0)
        if least > destination.distribution:
            destination = dataclasses.replace(destination, distribution=least)
        if not destination.allows(self.name):
            raise InputError(
                f"The destination “{destination.name}” is not for {self.name}: see its 'actions' in the settings."
            )
        params, secrets = self._read(given, destination)
        try:
            rules = misps.asking(rules, getattr(params, "misp", ""), request["data"])
            parameters.refuse_misspelt(self.config["params"], given)
            call, note = self._call(params, request, destination, rules, end)
            with local_time.told_in(destination.timezone):
                memory = again.memory_of(call, rules, self.name, destination)
                decision = (memory and memory.nothing_new()) or self._decision(call)
            if isinstance(decision, Pass) and decision.judged:
                parameters.refuse_without_rule(self.config["params"], params)
            answer = Acting(self.name, self.info["name"], call, secrets, destination).carry_out(decision, watch)
            if memory:
                memory.keep(answer)
            if call.refusal:  # nothing else was sent, so that is an error all the same
                answer = taken_back(call.refusal, answer)
            return with_note(answer, note)
        except WorkflowError as error:
            raise type(error)(mask(str(error), secrets)) from None

    def _call(
        self, params: Params, request: dict[str, Any], destination: Destination, rules: Settings, end: float
    ) -> tuple[Call, str]:
        """Return the call with what of its data may be seen and may leave, and what is to be said with the answer."""
        data, selected, withheld, hidden, note, refusal = request["data"], chosen(request), "", "", "", ""
        sent = before = View(data)
        marks: Collection[str] | None = None
        clean: Callable[[Any], Any] | None = None
        if self._leaves:
            by_pap = "pap" in self.config["params"]
            data, selected, judging, note = marking.known(data, selected, destination, rules, end, pap=by_pap)
            before = sent if data is sent.data else View(data)
            try:
                data, selected, withheld, marks = guard.admit(data, selected, judging)
            except guard.MarkedError as error:
                data, selected, refusal = self._only_its_name(before, error), None, str(error)
            hidden = _hidden(before, View(data)) if withheld else ""
        else:
            clean, selected = guard.scrub, guard.scrub(selected)
        call = Call(params, data, selected, rules, withheld, end, most=destination.max_characters, hidden=hidden,
                    about=about(sent), occasion=OCCASIONS.of(sent), clean=clean, before=before, refusal=refusal,
                    marks=marks)  # fmt: skip
        return call, note

    def _decision(self, call: Call) -> Decision:
        try:
            return self.decide(call)
        except NothingToTell as nothing:
            return call.skip(str(nothing))

    def _only_its_name(self, before: View, error: guard.MarkedError) -> dict[str, Any]:
        """Return what taking back needs of an event that may not go; raise the error where nothing was put to stay."""
        uuid = before.event.get("uuid")
        if "withdraw_whole_event" not in self.config["params"] or not uuid or before.kind == "post":
            raise error
        return {"Event": {"uuid": uuid}}

    def _read(self, given: Any, destination: Destination) -> tuple[Params, tuple[str, ...]]:
        """Return the typed parameters, and the secrets among them and in the destination."""
        table, fixed = self.config["params"], destination.resolved()
        referred = [value for name, value in fixed.items() if name not in table or value != destination.values[name]]
        if isinstance(given, dict) and is_short(given) and is_short(fixed):
            return self._known(tuple(given.items()), tuple(fixed.items()), tuple(referred))
        params = parameters.read(table, given, fixed)
        return params, parameters.secrets_of(table, params, referred)

    @cached_property
    def _known(self) -> Callable[[Texts, Texts, tuple[str, ...]], tuple[Params, tuple[str, ...]]]:
        """The same for a node that says the same in each of its calls, and what its destination says."""
        return lru_cache(maxsize=MOST)(partial(_read_node, self.config["params"]))


def _read_node(
    table: parameters.Table, given: Texts, fixed: Texts, referred: tuple[str, ...]
) -> tuple[Params, tuple[str, ...]]:
    params = parameters.read(table, dict(given), dict(fixed))
    return params, parameters.secrets_of(table, params, referred)


def _hidden(before: View, after: View) -> str:
    """Return what the call is about when that may not go, "": what is left would read as news of its event."""
    kind = "attribute" if before.kind == "sighting" else before.kind
    member = {"proposal": "ShadowAttribute", "report": "EventReport"}.get(kind, "")
    gone = not rows(after.event.get(member)) if member else kind == "attribute" and not after.attributes
    return kind if gone else ""


def _places() -> list[str]:
    _, error, trace = sys.exc_info()
    return [*traceback.format_tb(trace), type(error).__name__ + "\n"]
