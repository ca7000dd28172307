"""From a template's source to code that accounts for its work.

Jinja parses; here the tree is checked (only what is known to be harmless passes), the reports to the account are put
in, and the code is written so that text is escaped where it is put out, whatever built it.
"""

# ruff: noqa: N802 - visitors are named after the nodes that they visit

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.visitor import NodeTransformer

from misp_workflow.errors import TemplateError
from misp_workflow.template.limits import CHARACTERS_PER_STEP

MAX_SOURCE = 50_000  # characters; MISP's own text areas hold 65,535 bytes
MAX_DEPTH = 100  # expressions in expressions, blocks in blocks
MAX_BLOCKS = 15  # loops, conditions, macros in each other; Python itself takes 20 loops
MAX_BRANCHES = 100  # of one condition
MAX_NODES = 20_000

_UNAVAILABLE: dict[type[nodes.Node], str] = {
    nodes.Extends: "'extends' is not available: a template stands alone",
    nodes.Include: "'include' is not available: a template stands alone",
    nodes.Import: "'import' is not available: a template stands alone",
    nodes.FromImport: "'import' is not available: a template stands alone",
    nodes.Block: "'block' is not available: a template stands alone; use a macro",
    nodes.ScopedEvalContextModifier: "'autoescape' is not available: what variables give is always escaped",
}
_AVAILABLE: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Macro, nodes.CallBlock),
    *(nodes.FilterBlock, nodes.With, nodes.Scope, nodes.Assign, nodes.AssignBlock, nodes.Break, nodes.Continue),
    *(nodes.Name, nodes.NSRef, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword),
    *(nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Concat),
    *(nodes.Compare, nodes.Operand, nodes.BinExpr, nodes.UnaryExpr),
)
_BLOCKS = (nodes.For, nodes.If, nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.With, nodes.AssignBlock)


def nearest(name: str, names: Any) -> str:
    """Return "; did you mean 'x'?" for the existing name that is nearest to `name`, or ""."""
    known = [known for known in names if isinstance(known, str) and len(known) <= 64][:1_000]
    close = difflib.get_close_matches(name[:64], known, n=1, cutoff=0.6)
    if not close:
        close = [known_name for known_name in known if known_name.lower() == name.lower()]
    return f"; did you mean '{close[0]}'?" if close else ""


def prepare(tree: nodes.Template, filters: Any, tests: Any, deciding: bool = False) -> frozenset[str]:
    """Check a parsed template, put the reports to the account into it, and return the names that it sets itself.

    `deciding`: the tree is a `decision`. Raises TemplateError, the line included.
    """
    _check(tree, filters, tests)
    names = {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")}
    names |= {node.name for node in tree.find_all(nodes.Macro)}
    _Accounting().visit(tree)
    for node in tree.body if deciding else ():
        if isinstance(node, nodes.Assign):
            node.node = _to_environment("truth", [node.node], node.lineno)
    return frozenset(names)


def decision(expression: nodes.Expr) -> nodes.Template:
    """Return a template that sets `result` to the value of the expression; `prepare` makes it a yes or no."""
    line = expression.lineno
    return nodes.Template([nodes.Assign(nodes.Name("result", "store", lineno=line), expression, lineno=line)], lineno=1)


def at(line: int, sentence: str) -> str:
    """Return the sentence with the template's line before it."""
    return f"line {line}: {sentence}"


def _check(tree: nodes.Template, filters: Any, tests: Any) -> None:
    level: list[tuple[nodes.Node, int]] = [(tree, 0)]
    depth = count = 0
    while level:  # level by level, so that no nesting can exhaust the stack
        depth += 1
        count += len(level)
        if depth > MAX_DEPTH or count > MAX_NODES:
            what = "nested too deeply" if depth > MAX_DEPTH else "too large"
            raise TemplateError(at(level[0][0].lineno, f"the template is {what}"))
        inner = []
        for node, blocks in level:
            _check_node(node, filters, tests)
            blocks += isinstance(node, _BLOCKS)
            if blocks > MAX_BLOCKS:
                raise TemplateError(at(node.lineno, f"blocks are nested more than {MAX_BLOCKS} deep"))
            inner += [(child, blocks) for child in node.iter_child_nodes()]
        level = inner


def _check_node(node: nodes.Node, filters: Any, tests: Any) -> None:
    sentence = ""
    if not isinstance(node, _AVAILABLE):
        sentence = _UNAVAILABLE.get(type(node), "this is not available in templates")
    elif isinstance(node, nodes.Filter) and node.name not in filters:
        sentence = f"there is no filter '{node.name}'" + nearest(node.name, filters)
        if node.name == "safe":
            sentence = "there is no filter 'safe': what variables give is always escaped"
    elif isinstance(node, nodes.Test) and node.name not in tests:
        sentence = f"there is no test '{node.name}'" + nearest(node.name, tests)
    elif isinstance(node, nodes.If) and len(node.elif_) > MAX_BRANCHES:
        sentence = f"this condition has more than {MAX_BRANCHES} branches"
    elif isinstance(node, (nodes.Call, nodes.Filter, nodes.Test)):
        names = [keyword.key for keyword in node.kwargs]
        if len(names) > len(set(names)):
            sentence = "a value is given twice by the same name"
    if sentence:
        raise TemplateError(at(node.lineno, sentence))


def _to_environment(name: str, values: list[Any], line: int) -> nodes.Expr:
    """Return a call of the environment's own function, which no source text can write."""
    return nodes.Call(nodes.EnvironmentAttribute(name, lineno=line), values, [], None, None, lineno=line)


def _cost(body: list[nodes.Node]) -> tuple[int, int]:
    """Return (steps, characters) of one pass through `body`; loops and macros in it report for themselves."""
    steps = characters = 0
    for node in _inside(body):
        steps += 1
        if isinstance(node, nodes.TemplateData):
            characters += len(node.data)
    return steps + characters // CHARACTERS_PER_STEP, characters


def _inside(body: list[nodes.Node]) -> Iterator[nodes.Node]:
    stack = list(body)
    while stack:
        node = stack.pop()
        yield node
        inner = ("body",) if isinstance(node, (nodes.For, nodes.Macro, nodes.CallBlock)) else ()
        stack.extend(node.iter_child_nodes(exclude=inner))


class _Accounting(NodeTransformer):
    """Puts a report at the start of everything that runs more than once, and undoes the two shortcuts that would put
    text out without the environment seeing it: filter blocks, and set blocks with a filter.
    """

    def __init__(self) -> None:
        self._blocks = 0

    def _reporting(self, node: nodes.For | nodes.Macro | nodes.CallBlock) -> None:
        steps, characters = _cost(node.body)
        report = _to_environment("tick", [nodes.Const(steps), nodes.Const(characters)], node.lineno)
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(report, lineno=node.lineno))

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self._reporting(node)
        node.iter = _to_environment("rounds", [node.iter], node.lineno)
        if node.test is not None:
            steps, _ = _cost([node.test])
            report = _to_environment("tick", [nodes.Const(steps), nodes.Const(0)], node.lineno)
            node.test = nodes.And(report, node.test, lineno=node.lineno)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        self._reporting(node)
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        self._reporting(node)
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        self.generic_visit(node)
        node.nodes = [_own(child) for child in node.nodes]
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:
        self.generic_visit(node)
        node.key = _to_environment("key", [node.key], node.lineno)
        return node

    def visit_FilterBlock(self, node: nodes.FilterBlock) -> nodes.Node:
        self.generic_visit(node)
        name = self._take_name()
        value = _filtered(node.filter, name)
        body = [
            nodes.AssignBlock(nodes.Name(name, "store", lineno=node.lineno), None, node.body, lineno=node.lineno),
            nodes.Output([value], lineno=node.lineno),
        ]
        return nodes.Scope(body, lineno=node.lineno)

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.Node | list[nodes.Node]:
        self.generic_visit(node)
        if node.filter is None:
            return node
        name = self._take_name()
        held = nodes.AssignBlock(nodes.Name(name, "store", lineno=node.lineno), None, node.body, lineno=node.lineno)
        return [held, nodes.Assign(node.target, _filtered(node.filter, name), lineno=node.lineno)]

    def _take_name(self) -> str:
        self._blocks += 1
        return f"_block{self._blocks}"


def _own(node: nodes.Expr) -> nodes.Expr:
    """Return the node so that a text written out in the template is its own text, like what stands around it.

    `{{ ", " if not loop.last }}` between two JSON values is a comma, not a string.
    """
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return _to_environment("own", [node], node.lineno)
    if isinstance(node, nodes.CondExpr):
        node.expr1 = _own(node.expr1)
        node.expr2 = None if node.expr2 is None else _own(node.expr2)
    return node


def _filtered(outermost: nodes.Filter, name: str) -> nodes.Expr:
    """Return the chain of filters with the named block's text as what its innermost filter works on."""
    innermost = outermost
    while isinstance(innermost.node, nodes.Filter):
        innermost = innermost.node
    innermost.node = nodes.Name(name, "load", lineno=outermost.lineno)
    return outermost


class Generator(CodeGenerator):
    """Writes the code. What Jinja does by itself at compile time or without the environment is sent through it."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible  # everything is computed while the account is open
        return node.data

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("environment.emit(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(")")

    def visit_CallBlock(self, node: nodes.CallBlock, frame: Frame) -> None:
        call_frame, macro_ref = self.macro_body(node, frame)
        self.writeline("caller = ")
        self.macro_def(macro_ref, call_frame)
        self.start_write(frame, node)
        self.write("environment.emit(")
        self.visit_Call(node.call, frame, forward_caller=True)
        self.write(")")
        self.end_write(frame)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        if not isinstance(node.node, nodes.EnvironmentAttribute):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.write(f"environment.{node.node.name}(")
        for value in node.args:
            self.visit(value, frame)
            self.write(", ")
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        self.write("(")
        self._compared(node.expr, frame)
        for operand in node.ops:
            self.visit(operand, frame)
        self.write(")")

    def visit_Operand(self, node: nodes.Operand, frame: Frame) -> None:
        self.write(f" {_OPERATORS[node.op]} ")
        self._compared(node.expr, frame)

    def _compared(self, node: nodes.Expr, frame: Frame) -> None:
        if isinstance(node, nodes.Const):
            self.visit(node, frame)
            return
        self.write("environment.compared(")
        self.visit(node, frame)
        self.write(")")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        if not isinstance(node.arg, nodes.Slice):
            super().visit_Getitem(node, frame)
            return
        self.write("environment.part(")
        self.visit(node.node, frame)
        for bound in (node.arg.start, node.arg.stop, node.arg.step):
            self.write(", ")
            self.visit(bound if bound is not None else nodes.Const(None), frame)
        self.write(")")


_OPERATORS = {
    "eq": "==",
    "ne": "!=",
    "gt": ">",
    "gteq": ">=",
    "lt": "<",
    "lteq": "<=",
    "in": "in",
    "notin": "not in",
}
