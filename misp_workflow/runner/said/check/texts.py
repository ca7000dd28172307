"""Rules of what MISP never tells about the texts in nodes: templates, paths, filters. Mirrors no class."""

from __future__ import annotations

import re
from collections.abc import Iterator

import jinja2

from misp_workflow.errors import PhpCrash
from misp_workflow.hashpath import compile as compile_path
from misp_workflow.hashpath.tokens import split, tokenize
from misp_workflow.runner.data.conditions import OPERATORS
from misp_workflow.runner.graph.graph import FILTER, FILTER_RESET, SETTING_FILTERS, Node
from misp_workflow.runner.modules.catalogue import Module, Param
from misp_workflow.runner.said.check.subject import BARE_EVENT, Finding, Subject, declared


def templates(subject: Subject) -> Iterator[Finding]:
    """Templates that do not parse: MISP makes an empty text of its own, and ours answer with an error."""
    environment = jinja2.Environment(autoescape=True)
    for node in subject.nodes:
        for name, value in node.params.items():
            if isinstance(value, str) and ("{{" in value or "{%" in value):
                try:
                    environment.parse(value)
                except jinja2.TemplateSyntaxError as error:
                    yield Finding("error", "template", node, f"'{name}', line {error.lineno}: {error.message}.",
                                  "Mend the template.")  # fmt: skip


def hash_paths(subject: Subject) -> Iterator[Finding]:
    """Paths that cannot match what the trigger hands over."""
    for node in subject.nodes:
        module = subject.module(node)
        for name, path in _paths(node, module):
            problem = _path_problem(path, subject.trigger)
            if problem:
                yield Finding("warning", "path", node, f"The path '{path}' in '{name}' {problem}.",
                              "Look at what the trigger sends: misp-workflow run --html shows it.")  # fmt: skip


def _paths(node: Node, module: Module | None) -> Iterator[tuple[str, str]]:
    for key in ("selector", "path"):
        value = node.filters.get(key)
        if key == "selector" and isinstance(value, str) and value.strip():
            yield "filter", value.strip()
    params: tuple[Param, ...] = module.params if module else ()
    names = {param.id for param in params if param.hash_path} | {"hash_path", "hash-path"}
    if node.module == FILTER:
        names = {"selector"}  # its path is looked for in each item that the selector finds
    elif node.module == "assign_country":
        names = set()  # its path is looked for in each attribute, whatever is tagged
    for name in sorted(names):
        value = node.params.get(name)
        if isinstance(value, str) and value.strip():
            yield name, value.strip()


_ROOTS: dict[str, set[str]] = {
    "log-after-save": {"Log"},
    "post-after-save": {"Post", "Thread", "Event"},
}


def _path_problem(path: str, trigger: str) -> str:
    try:
        compile_path(path)
    except PhpCrash as crash:
        return f"makes MISP crash with a PHP {crash.kind}"
    first = re.split(r"[.\[{]", path, maxsplit=1)[0]
    if trigger.startswith("user-"):
        return "begins with Event, and this trigger hands over a user" if first == "Event" else ""
    roots = _ROOTS.get(trigger, {"Event"})
    if first and first not in roots and not first.startswith("_"):
        return f"begins with '{first}', and this trigger hands over {' and '.join(sorted(roots))}"
    if trigger in BARE_EVENT and re.match(r"Event\.(_AttributeFlattened|Attribute|Object)\b", path):
        return f"looks for attributes, and this trigger hands over {BARE_EVENT[trigger]}"
    return ""


def no_country(subject: Subject) -> Iterator[Finding]:
    """assign_country looks into each attribute: a path from the event on finds nothing, nor does it under a filter."""
    for node in subject.workflow.graph.find("assign_country"):
        path = str(node.params.get("hash_path") or "").strip()
        why = f"Its path '{path}' is looked for in each attribute" if path.startswith("Event") else ""
        if any(node.filters.get(key) for key in ("selector", "path", "operator", "value")):
            why = "With a filter of its own it looks at no attribute"
        if why:
            yield Finding("warning", "no-country", node, f"{why}, so that it finds no country and fails.",
                          "Leave the filter out, and write the path from the attribute on: 'comment'.")  # fmt: skip


def filters(subject: Subject) -> Iterator[Finding]:
    """A filter that is incomplete, that MISP does not understand, or that matches nothing: a Python module gets it all.

    MISP's own actions get nothing then, and do nothing.
    """
    for node in subject.nodes:
        set_here = {key: str(node.filters.get(key) or "").strip() for key in ("selector", "path", "operator", "value")}
        if not any(set_here.values()):
            continue
        problem, module = "", subject.module(node)
        own = module is not None and not module.is_python
        then = "MISP's own action gets nothing" if own else "the whole data is sent"
        if not set_here["operator"] or not set_here["selector"]:
            problem = f"The node's filter is incomplete, so {then}."
        elif set_here["operator"] not in OPERATORS:
            problem = f"MISP knows no operator '{set_here['operator']}', so {then}."
        elif module and module.is_python and "selected_or_all" not in declared(module):
            problem = "When its filter matches nothing, the module gets the whole data, and may send it."
        if problem:
            yield Finding("warning", "filter", node, problem, "Put generic-filter-data or count-if before the node.")


def tags_lost(subject: Subject) -> Iterator[Finding]:
    """attach-decay-score puts bare rows in place of the attributes, and nothing behind it sees their tags."""
    for node in subject.workflow.graph.find("attach-decay-score"):
        said = f"attach-decay-score ({node.id}) takes the tags off the attributes in the data, so that none is found."
        behind = subject.behind([node])
        for one in subject.workflow.graph.find("tag-if"):
            if one.key in behind and one.params.get("scope") != "event":
                yield Finding("warning", "tags-lost", one, said, "Put it before attach-decay-score.")


def wiped(subject: Subject) -> Iterator[Finding]:
    """A reset where no filter is in force takes all data away, or is MISP's death."""
    graph = subject.workflow.graph
    set_before = subject.behind([node for kind in SETTING_FILTERS for node in graph.find(kind)])
    for node in graph.find(FILTER_RESET):
        if node.key in set_before:
            continue
        label = node.params.get("filtering-label")
        then = (
            "takes all data away: what follows gets nothing, and reload-full-event reads the first event of this MISP"
            if label in (None, "all")
            else "ends the workflow with an internal error"
        )
        yield Finding("error", "wiped", node, f"No filter is in force here, and a reset without one {then}.",
                      "Remove it, or set a filter before it.")  # fmt: skip


_ATTRIBUTES = ("Attribute", "_AttributeFlattened")


def numbers_of_others(subject: Subject) -> Iterator[Finding]:
    """MISP takes the number of whatever a filter selects for an attribute's, and tags that one, of any event."""
    for node in subject.workflow.graph.find("tag_operation"):
        selector = str(node.filters.get("selector") or "")
        adds = node.params.get("scope") == "attribute" and node.params.get("action") != "remove"
        names = [name for token in tokenize(selector) if not _is_place(name := split(token)[0])]
        if not adds or not node.filters.get("operator") or (names and names[-1] in _ATTRIBUTES):
            continue
        yield Finding(
            "error",
            "other-attributes",
            node,
            f"Its filter selects '{selector or 'the event'}', and MISP takes the numbers of these for those of "
            "attributes: it writes to attributes of other events, or fails with “Attribute not found.”.",
            "Select Event._AttributeFlattened.{n}.",
        )


def _is_place(name: str) -> bool:
    """Whether a part of a path says which items of a list, and not what is in it."""
    return name.startswith("{") or name.isdigit()


def never_equal(subject: Subject) -> Iterator[Finding]:
    """What a path with a pattern finds is a list, also of one, and MISP's generic-if calls no list equal or unequal."""
    for node in subject.workflow.graph.find("generic-if"):
        path, operator = str(node.params.get("hash_path") or ""), node.params.get("operator")
        instead = {"equals": "in", "not_equals": "not_in"}.get(str(operator))
        if instead and not _path_problem(path, subject.trigger) and not compile_path(path).simple:
            yield Finding(
                "warning",
                "never-equal",
                node,
                f"What the path '{path}' finds is a list, even of one value, and '{operator}' holds for no list: the "
                "node always takes its else path.",
                f"Use '{instead}', or a path of names and numbers only, such as Event.Tag.0.name.",
            )
