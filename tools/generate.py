"""Run openapi-python-client on a document with our templates; exit 1 with its words where it has any.

Called by regenerate.py in a process of its own, in which sets have the same order every time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import content_types
import docstrings
import operation_views
import record_views
import results
from contract import Problem, load
from described import Described
from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from prepared import prepared


def generate(document: Path, config_file: Path, templates: Path, package: Path) -> list[GeneratorError]:
    """Write the package; return what the generator refused, dropped or doubted."""
    described = load(document)
    config = Config.from_sources(
        ConfigFile.load_from_path(config_file),
        meta_type=MetaType.NONE,
        document_source=document,
        file_encoding="utf-8",
        overwrite=False,
        output_path=package,
    )
    config.content_type_overrides = content_types.overrides(described) | config.content_type_overrides
    described = content_types.prepared(described)
    parsed = GeneratorData.from_dict(prepared(described), config=config)
    if isinstance(parsed, GeneratorError):
        return [parsed]
    if problems := list(shared_modules(parsed)):
        raise Problem("\n".join(problems))
    project = Project(openapi=parsed, config=config, custom_template_path=templates)
    project.env.filters |= {"docstring": docstrings.docstring, "documentation": docstrings.documentation}
    project.env.globals |= functions(parsed, Described(described))
    return list(project.build())


def shared_modules(parsed: GeneratorData) -> Iterator[str]:
    """Yield a line for each two classes, schemas without a name among them, that would be in one module."""
    known: dict[str, str] = {}
    for prop in [*parsed.models, *parsed.enums]:
        name, module = prop.class_info.name, prop.class_info.module_name.casefold()
        if module in known:
            yield f"classes {known[module]} and {name}: differ in case only; give one of their schemas another `title`"
        known[module] = name


def functions(parsed: GeneratorData, described: Described) -> dict[str, Any]:
    """Return what templates call."""

    def operations() -> list[operation_views.OperationView]:
        tagged = parsed.endpoint_collections_by_tag
        endpoints = [endpoint for tag, found in tagged.items() if tag != "oauth" for endpoint in found.endpoints]
        return [operation_views.operation_of(endpoint, described) for endpoint in endpoints]

    def model_modules() -> dict[str, str]:
        named = sorted([*parsed.models, *parsed.enums], key=lambda prop: prop.class_info.name)
        return {prop.class_info.name: prop.class_info.module_name for prop in named}

    def names_of_results() -> dict[str, list[str]]:
        """Return what the results use of kinds.py and results.py, as it stands in an import."""
        used = {name for operation in operations() for name in results.names_in(operation.result.expression)}
        return {
            "kinds": _imports(name for name in results.KINDS if results.imported_as(name) in used),
            "results": _imports(name for name in results.READERS if results.imported_as(name) in used),
        }

    return {
        "names_of_results": names_of_results,
        "client_parameter": operation_views.client_parameter,
        "model_modules": model_modules,
        "operation_of": lambda endpoint: operation_views.operation_of(endpoint, described),
        "operations": operations,
        "record_of": lambda model: record_views.record_of(model, described),
    }


def _imports(names: Iterable[str]) -> list[str]:
    private = {name: results.imported_as(name) for name in sorted(names)}
    return [name if name == known else f"{name} as {known}" for name, known in private.items()]


def main() -> int:
    try:
        errors = generate(*map(Path, sys.argv[1:]))
    except Problem as error:
        print(error, file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - the generator raises what it comes upon
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    for problem in errors:
        print(problem.header, problem.detail or "", sep="\n", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
