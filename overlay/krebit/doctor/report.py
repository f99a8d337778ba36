"""The findings of the doctor: whole for a program, and as shapes alone that can be shown to anybody. No I/O."""

from typing import Any, Literal, NamedTuple

from krebit.doctor.comparison import Comparison, Difference, Field
from krebit.errors import KrebitError

Mark = Literal["pass", "warn", "fail", "skip"]
Verdict = Literal["as described", "handled", "breaks", "not seen"]
FORMAT = "krebit-doctor-report"
FORMAT_VERSION = 1

NOT_SEEN = (
    "rotation: whether a refresh gives a new refresh token and ends the old one",
    "token errors: which dialect the token endpoint answers a dead token in",
    "token lifetime: whether the server's expires_in is true",
    "writing: the answer to POST, and the fields that a body is refused for",
    "403 and 419: answers to somebody who may not do that, and to an expired page",
    "429: the answer when too many calls were made",
    "5xx: the bodies of a server that fails or is down for maintenance",
    "webhooks: deliveries, their signature and how often they are tried again",
)


class Step(NamedTuple):
    """One step of the examination. `repair` says what to do, where something is to be done."""

    name: str
    mark: Mark
    text: str
    repair: str | None = None


def failed_step(name: str, error: KrebitError | str, *, otherwise: str) -> Step:
    """Return the step of an error, or of its text: behind the first semicolon it says what to do.

    `otherwise` is the repair where it says nothing.
    """
    problem, _, repair = str(error).partition("; ")
    return Step(name, "fail", problem, repair or otherwise)


class Setting(NamedTuple):
    """A setting as it is shown: of a secret, only that it is set. `source` says where it comes from."""

    name: str
    shown: str
    source: str


class OperationResult:
    """The answers of one operation, compared with the document."""

    def __init__(self, operation: str, method: str, path: str) -> None:
        self.operation = operation
        self.method = method
        self.path = path
        self.status: int | None = None
        self.reason: str | None = None
        # The paths of differences by which the call fails, and the error's text.
        self.broken: set[str] = set()
        self.error: str | None = None
        self.headers: list[str] = []
        self.comparison: Comparison | None = None
        self.differences: list[Difference] = []

    @property
    def verdict(self) -> Verdict:
        """The result of the comparison."""
        if self.error is not None:
            return "breaks"
        if self.reason is not None:
            return "not seen"
        return "handled" if self.differences else "as described"

    def verdict_of(self, difference: Difference) -> Verdict:
        """Say whether a difference is handled, or breaks the call.

        An error names only the first field. The other differences break the call when their values are strict.
        """
        if difference.kind == "extra" or difference.expected.endswith(" first"):
            return "handled"
        strict = self.comparison.strict if self.comparison is not None and self.error is not None else set()
        return "breaks" if difference.path in self.broken | strict else "handled"

    def shapes(self) -> dict[str, Any]:
        """Return the shapes of the answers."""
        content: dict[str, Any] = {
            "method": self.method,
            "path": self.path,
            "verdict": self.verdict,
            "status": self.status,
        }
        if self.reason is not None:
            content["reason"] = self._reason_in_short()
        if self.comparison is not None:
            content |= {
                "form": self.comparison.form,
                "page": self.comparison.page_form,
                "empty": self.comparison.is_empty if self.comparison.page_form else None,
                "fields": _fields(self.comparison),
            }
        elif self.error is not None:
            content["body"] = "not JSON"
        content["headers"] = self.headers
        content["differences"] = [
            {
                "path": found.path,
                "kind": found.kind,
                "expected": found.expected,
                "got": found.got,
                "verdict": self.verdict_of(found),
            }
            for found in self.differences
        ]
        return content

    def _reason_in_short(self) -> str:
        """Return the reason without a word of the server's."""
        if self.status is None:
            return "not called"
        return "no success came" if self.status >= 400 else "no error came"


def _fields(comparison: Comparison) -> dict[str, str]:
    """Return each place of the answers with its types and forms. Of a page's metadata only what differs."""
    fields: dict[str, str] = {}
    for path in sorted(comparison.fields):
        field = comparison.fields[path]
        is_record = comparison.page_form is None or path.startswith("data")
        differs = any(key[0] == path for key in comparison.differences)
        if is_record or differs:
            fields[path] = _in_short(field)
    return fields


def _in_short(field: Field) -> str:
    """Return types and forms on one line, such as `integer`, `string (time-z)` and `null` where nothing else came."""
    found = field.types - {"integer"} if "number" in field.types else field.types
    types = "|".join(sorted(found)) or "null"
    return f"{types} ({', '.join(sorted(field.forms))})" if field.forms else types


class Report:
    """All that one examination found."""

    def __init__(self, origin: dict[str, Any]) -> None:
        # Host, time and versions: what differs between two reports of the same answers.
        self._origin = origin
        self.settings: list[Setting] = []
        self.steps: list[Step] = []
        self.operations: list[OperationResult] = []
        self.errors: dict[str, OperationResult] = {}
        self.not_seen = NOT_SEEN
        self.needs_sign_in = False

    @property
    def has_failed(self) -> bool:
        """Whether a step failed, or an operation breaks."""
        answered = [*self.operations, *self.errors.values()]
        return any(step.mark == "fail" for step in self.steps) or any(one.verdict == "breaks" for one in answered)

    @property
    def differences(self) -> list[tuple[OperationResult, Difference]]:
        """Each difference, with the operation or the error that it was found in."""
        answered = [*self.operations, *self.errors.values()]
        return [(one, difference) for one in answered for difference in one.differences]

    def shapes(self) -> dict[str, Any]:
        """Return the report that may be attached to a public issue: shapes, and no value of a person or a company."""
        return {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "origin": {**self._origin, "steps": {step.name: step.mark for step in self.steps}},
            "operations": {one.operation: one.shapes() for one in self.operations},
            "errors": {name: one.shapes() for name, one in self.errors.items()},
            "not_seen": list(self.not_seen),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for a program on this machine: settings and steps with their texts too."""
        return {
            "settings": [setting._asdict() for setting in self.settings],
            "steps": [step._asdict() for step in self.steps],
            **self.shapes(),
        }
