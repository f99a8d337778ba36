"""The frames of an error, as a tool that reports errors keeps them: each local variable, element by element."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

TESTS = Path(__file__).resolve().parent


def frames_of(error: BaseException, *, below: Path = Path("/")) -> str:
    """Return an error and those before it, each with the local variables of its frames, the tests' own left out.

    `below` takes only frames of files in that folder. Fails if there are none: then nothing was looked at.
    """
    errors: list[str] = []
    variables: list[str] = []
    found: BaseException | None = error
    while found is not None:
        errors.append(repr(found))
        variables += _variables(found.__traceback__, below)
        found = found.__cause__ or found.__context__
    assert variables
    return "\n".join(errors + variables)


def _variables(step: TracebackType | None, below: Path) -> Iterator[str]:
    while step is not None:
        code = step.tb_frame.f_code
        file = Path(code.co_filename)
        if file.is_relative_to(below) and not file.is_relative_to(TESTS):
            for text in _elements(step.tb_frame.f_locals):
                yield f"{code.co_name}: {text}"
        step = step.tb_next


def _elements(value: Any, depth: int = 0) -> Iterator[str]:
    if depth < 6 and isinstance(value, Mapping):
        for key, element in list(value.items()):
            yield from _elements(key, depth + 1)
            yield from _elements(element, depth + 1)
    elif depth < 6 and isinstance(value, list | tuple | set | frozenset):
        for element in list(value):
            yield from _elements(element, depth + 1)
    else:
        yield repr(value)
