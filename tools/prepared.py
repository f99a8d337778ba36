"""Make the copy of the document that the generator reads: it has other words for all that would be written wrongly.

Parameters all stand in the query, which may hold every type, under their names in Python. The templates know from
parameters.py where each belongs and how it is written. Members of enumerations have the names of enumerations.py.
"""

from __future__ import annotations

import copy
from typing import Any

from contract import operations
from enumerations import VARIABLE_NAMES, enumerations, member_names
from parameters import Parameter, parameters, python_names


def prepared(document: dict[str, Any]) -> dict[str, Any]:
    """Return the copy."""
    result = copy.deepcopy(document)
    for operation in operations(document):
        known = parameters(document, operation)
        names = python_names(known)
        body = result["paths"][operation.path][operation.method]
        body["parameters"] = [_in_query(one, names[one.place, one.name]) for one in known]
    for item in result["paths"].values():
        item.pop("parameters", None)
    result.get("components", {}).pop("parameters", None)
    result["paths"] = {_without_places(path): item for path, item in result["paths"].items()}
    for _, node in enumerations(result):
        _name_members(node)
    return result


def _in_query(parameter: Parameter, name: str) -> dict[str, Any]:
    description = parameter.node.get("description")
    described = {} if description is None else {"description": description}
    required = bool(parameter.node.get("required"))
    return {"name": name, "in": "query", "required": required, "schema": copy.deepcopy(parameter.schema), **described}


def _without_places(path: str) -> str:
    """Return a path in which the generator finds no parameters."""
    return path.replace("{", "(").replace("}", ")")


def _name_members(node: dict[str, Any]) -> None:
    names = member_names(node)
    if not names:
        return
    node["enum"] = [*names, None] if None in node["enum"] else list(names)
    node[VARIABLE_NAMES] = list(names.values())
