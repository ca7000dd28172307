"""Nodes that were saved when a parameter had another name: MISP sends only names that are declared now.

MISP 2.5.1 gives "" for the new name, which no module can tell from an empty field; its editor shows the old one as an
"Invalid parameter". So the graph itself has to be rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from misp_workflow.remote.document import Content
from misp_workflow.runner.modules.moduleapi import Described


def mended(content: Content, modules: Iterable[Described]) -> Content:
    """Return the workflow with each parameter under its present name; the same one where nothing is to be done.

    Where a node says both, what stands under the present name holds, unless that is empty.
    """
    renamed = {one["name"]: _renamed(one) for one in modules}
    graph = json.loads(json.dumps(content.graph))
    for node in graph.values():
        data = node.get("data") if isinstance(node, dict) else None
        if isinstance(data, dict) and isinstance(params := data.get("indexed_params"), dict):
            _mend(params, renamed.get(str(data.get("id")), {}))
    return replace(content, graph=graph) if graph != content.graph else content


def _mend(params: dict[str, Any], names: Mapping[str, str]) -> None:
    for old in [name for name in params if name in names]:
        value = params.pop(old)
        params[names[old]] = params.get(names[old]) or value


def _renamed(module: Mapping[str, Any]) -> dict[str, str]:
    """Return the former names of a module's parameters, with the present ones."""
    params = module.get("meta", {}).get("config", {}).get("params", {})
    return {old: name for name, spec in params.items() for old in spec.get("formerly", ())}
