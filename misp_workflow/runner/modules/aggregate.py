"""IF :: Aggregate Comparator: compare a number made of many values. Mirrors Module_aggregate_comparator_if."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import conditions
from misp_workflow.runner.modules.execution import Call, Outcome
from misp_workflow.runner.modules.texts import short

Numbers = list[float]


def aggregate_comparator_if(call: Call) -> Outcome:
    """Every value counts as PHP's float, also for `count`: a text is 0 or the number that it begins with.

    Raises PhpCrash for the least or greatest of nothing.
    """
    values = call.values()
    path, kind, operator = values["aggregation_path"], php.to_string(values["aggregation_type"]), values["operator"]
    found = php.values(conditions.extract_data(call.data(), path))
    numbers = [float(php.to_number(entry)) for entry in found if entry is not None]
    compute = _AGGREGATES.get(kind)
    result = compute(numbers) if compute else False
    holds = conditions.holds(result, operator, values["value"], call.misp)
    why = f"{kind} of {len(numbers)} values at {path} is {short(result)}; asked: {operator} {short(values['value'])}"
    return Outcome(holds, [] if compute else [f"Unknown aggregation type: {kind}"], why)


def _of_some(name: str, choose: Callable[[Numbers], float]) -> Callable[[Numbers], Any]:
    def chosen(numbers: Numbers) -> float:
        if not numbers:
            raise PhpCrash("ValueError", f"{name}(): Argument #1 ($value) must contain at least one element")
        return choose(numbers)

    return chosen


_AGGREGATES: Mapping[str, Callable[[Numbers], Any]] = {
    "count": len,
    "sum": sum,
    "avg": lambda numbers: sum(numbers) / len(numbers) if numbers else 0,
    "min": _of_some("min", min),
    "max": _of_some("max", max),
    "unique_count": lambda numbers: len(set(numbers)),
    "median": lambda numbers: statistics.median(numbers) if numbers else None,
}
