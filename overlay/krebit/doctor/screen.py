"""The report as one screen, for people who program and people who do not."""

from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from krebit.doctor.comparison import Difference
from krebit.doctor.page_forms import WORDS as PAGE_WORDS
from krebit.doctor.report import OperationResult, Report, Setting
from krebit.doctor.shapes import WORDS as FORM_WORDS

_STEP_SIGNS = {"pass": "✓", "warn": "!", "fail": "✗", "skip": "-"}
_SIGNS = {"as described": "✓", "handled": "~", "breaks": "✗", "not seen": "?"}
_PLAIN = str.maketrans({"✓": "+", "✗": "x", "→": ">", "·": "-"})
_STYLES = {"✓": "green", "!": "yellow", "~": "yellow", "✗": "red", "?": "cyan", "-": "dim"}
_ERROR_NAMES = {
    "unauthenticated": "error: no token",
    "not_found": "error: no such record",
    "refused": "error: refused value",
}
_FORMS = {"envelope": "in an envelope", "bare": "bare"}
_SHAPE_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "date-time": "times of ISO 8601 with an offset",
    "in an envelope": "the envelope",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "text",
}


def print_report(report: Report, stream: TextIO, *, colored: bool | None = None, width: int | None = None) -> None:
    """Write the report. `colored` and `width` are found out where they are not given."""
    console = Console(
        file=stream, width=width, highlight=False, soft_wrap=False, no_color=colored is False, force_terminal=colored
    )
    screen = _Screen(console)
    screen.steps(report)
    screen.answers(report)
    screen.verdict(report)


class _Screen:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_plain = not (console.encoding or "").lower().startswith("utf")

    def steps(self, report: Report) -> None:
        """Write each step with its repair, and each setting with its source."""
        rows = _rows()
        for step in report.steps:
            rows.add_row(self._sign(_STEP_SIGNS[step.mark]), self._text(step.name, "bold"), self._text(step.text))
            if step.repair is not None:
                rows.add_row("", "", self._text(f"→ {step.repair}", "yellow"))
            if step.name == "settings":
                for setting in report.settings:
                    rows.add_row("", "", self._text(_setting_in_words(setting), "dim"))
        self._print(rows)

    def answers(self, report: Report) -> None:
        """Write what came from each operation, against the document."""
        self._console.print()
        self._console.print(self._text("Answers, against the document", "bold"))
        rows = _rows()
        reasons = {result.reason for result in report.operations}
        have_one_reason = len(reasons) == 1 and None not in reasons
        if have_one_reason:
            self._add_result(rows, f"{len(report.operations)} operations", report.operations[0])
        else:
            for result in report.operations:
                self._add_result(rows, result.operation, result)
        for name, result in report.errors.items():
            self._add_result(rows, _ERROR_NAMES.get(name, name), result)
        names = " · ".join(text.partition(":")[0] for text in report.not_seen)
        rows.add_row(self._sign("?"), self._text("not seen"), self._text(f"reading alone cannot show: {names}", "dim"))
        self._print(rows)

    def _add_result(self, rows: Table, name: str, result: OperationResult) -> None:
        rows.add_row(self._sign(_SIGNS[result.verdict]), self._text(name), self._text(_answer_in_words(result)))
        for sign, text in _lines_of_differences(result):
            rows.add_row("", "", self._text(f"{sign} {text}", _STYLES[sign]))

    def verdict(self, report: Report) -> None:
        """Write what follows from it, on one line."""
        handled = sum(result.verdict_of(one) == "handled" for result, one in report.differences)
        failed = [step.name for step in report.steps if step.mark == "fail"]
        self._console.print()
        if failed:
            self._console.print(self._text(f"Broken: {', '.join(failed)}. The arrows above say what to do.", "red"))
            return
        is_whole = all(step.mark != "skip" or step.name in ("DNS", "TLS") for step in report.steps)
        text = "All is in order." if is_whole else "Nothing is wrong in the steps that were checked."
        if handled:
            text = f"Nothing is broken: the library can read the answers, which differ in {_counted(handled)}."
        self._console.print(self._text(text, "green"))

    def _print(self, rows: Table) -> None:
        """Write rows without the spaces that rich puts at the ends of lines."""
        with self._console.capture() as captured:
            self._console.print(rows)
        self._console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))

    def _sign(self, sign: str) -> Text:
        return self._text(sign, _STYLES[sign])

    def _text(self, text: str, style: str = "") -> Text:
        return Text(text.translate(_PLAIN) if self._is_plain else text, style)


def _rows() -> Table:
    """Return an empty table: a sign, a name, a text of which nothing is cut."""
    rows = Table.grid(padding=(0, 1))
    rows.add_column()
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    return rows


def _counted(count: int) -> str:
    return "one place" if count == 1 else f"{count} places"


def _answer_in_words(result: OperationResult) -> str:
    """Return in some words what came."""
    if result.error is not None:
        return result.error.removeprefix(f"{result.operation}: ")
    if result.reason is not None:
        return f"not called: {result.reason}" if result.status is None else result.reason
    comparison = result.comparison
    parts = [] if result.status == 200 else [f"status {result.status}"]
    if comparison is not None:
        # A form that differs is named below.
        named = {difference.kind for difference in result.differences if difference.path == ""}
        is_record = comparison.form is not None and (result.status or 0) < 400
        parts += [_FORMS[comparison.form or ""]] if is_record and "form" not in named else []
        parts += [PAGE_WORDS[comparison.page_form]] if comparison.page_form and "page" not in named else []
        parts += _forms(result)
    parts += ["rate limit headers"] if result.headers else []
    return " · ".join(parts)


def _forms(result: OperationResult) -> list[str]:
    """Return the forms of times and amounts, which differ between tenants."""
    assert result.comparison is not None
    found: set[str] = set()
    for field in result.comparison.fields.values():
        found |= {FORM_WORDS[form] for form in field.forms if form.startswith("time")}
        if "decimal" in field.forms:
            found.add("amounts as text")
    return sorted(found)


def _setting_in_words(setting: Setting) -> str:
    source = setting.source.removesuffix(" in the environment")
    if not setting.shown:
        return f"{setting.name}: {source}"
    return f"{setting.name}: {setting.shown}" + ("" if source == setting.name else f"  ({source})")


def _lines_of_differences(result: OperationResult) -> list[tuple[str, str]]:
    """Return a sign and a line for each kind of difference. Fields that differ in the same way share one."""
    places: dict[tuple[str, str], list[str]] = {}
    for difference in result.differences:
        key = _SIGNS[result.verdict_of(difference)], _difference_in_words(difference)
        places.setdefault(key, []).append(difference.path)
    lines = []
    for (sign, words), paths in places.items():
        named = ", ".join(filter(None, paths))
        lines.append((sign, f"{named}: {words}" if named else words))
    return lines


def _difference_in_words(difference: Difference) -> str:
    expected, got = difference.expected, difference.got
    words = {
        "form": f"{got}; the document names {_shape_in_words(expected.removesuffix(' first'))} first",
        "absent": "in the document, but in no answer",
        "always-null": "null in every record",
        "extra": f"not in the document ({_shape_in_words(got)})",
        "limit": f"{got}, the document allows {expected}",
        "missing": "missing, although the document requires it",
        "null": f"null, the document has {expected} only",
        "header": f"the header {got} is not in the document",
    }
    first = expected.removesuffix(" first")
    named = f"{_shape_in_words(first)} first" if first != expected else _shape_in_words(expected)
    return words.get(difference.kind, f"{_shape_in_words(got)}; the document names {named}")


def _shape_in_words(shape: str) -> str:
    """Return a word for a type or a form that people who do not program understand."""
    return _SHAPE_WORDS.get(shape) or FORM_WORDS.get(shape, shape)
