"""A sandbox that is like a tenant: the doctor writes the same report on both, but for host, times and versions."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from krebit.doctor import page_forms, shapes
from krebit.doctor.comparison import ANY
from krebit.doctor.report import FORMAT, FORMAT_VERSION
from krebit_sandbox import Sandbox, Switches, doctor_report, reshaping
from krebit_sandbox.doctor_report import parse_report
from krebit_sandbox.fault_injection import Answer
from krebit_sandbox.likeness import Likeness
from tests.doctor.support import comparable, examined

SWITCHES: list[dict[str, Any]] = [
    {},
    {"envelope": "bare", "money": "text", "metadata": "flat", "times": "space", "user_ids": "number"},
    {"metadata": "simple", "money": "null", "times": "null", "unknown_keys": True},
    {"metadata": "links", "times": "offset", "rate_limit": 1000, "validation_status": 400},
    {"metadata": "none", "times": "micro", "max_limit": 50, "unknown_keys": True, "envelope": "bare"},
    {"clients": 0},
]
CLIENT = {
    "id": 12345,
    "company_name": None,
    "credit_limit": "7.00",
    "reg_no": "556000-4615",
    "score": 1.5,
    "live": True,
}
ACT = {"uuid": "123e4567-e89b-12d3-a456-426614174000", "amount": 5.5, "language": 3, "made": "2024-01-01"}
# Answers that no switch gives, each at its path.
ODD: dict[str, dict[str, Any]] = {
    "/api/1.0/me": {"skip": 1, "body": {"data": {"id": "x7", "name": 5, "organization": None, "roles": ["a"]}}},
    "/api/1.0/clients/12345": {"body": CLIENT},
    "/api/1.0/clients/12346": {"body": CLIENT},
    "/api/1.0/clients/12347": {"body": CLIENT},
    "/api/1.0/clients/12345/acts/latest": {"body": {"data": ACT}},
    "/api/1.0/clients/12346/acts/latest": {"body": {"data": ACT}},
    "/api/1.0/clients/12347/acts/latest": {"body": {"data": ACT}},
}
LOGIN = {"Content-Type": "text/html", "Location": "/login"}
LENIENT: dict[str, dict[str, Any]] = {
    "/api/1.0/me": {"status": 302, "body": "<html>Redirecting</html>", "headers": LOGIN, "times": 1},
    "/api/1.0/clients": {"skip": 1, "status": 200, "body": {"data": []}},
}
MISSING: dict[str, dict[str, Any]] = {
    "/api/1.0/clients/12345": {"status": 403, "body": {"message": "No."}},
    "/api/1.0/clients/2147483647": {"status": 404, "body": "<h1>Not found</h1>"},
}
PAGES: list[Any] = [
    {"data": [{"id": "12345", "company_name": "A"}, {"id": "12346", "company_name": None}], "extra": 1},
    [{"id": 12345, "credit_limit": 5, "org_number": None}],
    {"data": [{"id": 12345}], "meta": {"pagination": {"total": 1, "total_pages": 1}}},
    {"data": [], "meta": {"total": 0, "current_page": "1"}, "links": {}},
]


def kept(report: Any, folder: Path) -> Path:
    """Write a report into a file."""
    path = folder / "report.json"
    path.write_text(json.dumps(report.shapes()))
    return path


@pytest.mark.parametrize("switches", SWITCHES)
def test_switches_are_found_again(sandbox: Sandbox, switches: dict[str, Any], tmp_path: Path) -> None:
    sandbox.switch(**switches)
    report = examined(sandbox)
    with Sandbox(9, tls=False, like=kept(report, tmp_path)) as like:
        for name in switches.keys() - {"unknown_keys", "user_ids", "rate_limit"}:
            assert getattr(like.switches, name) == switches[name]
        assert comparable(examined(like)) == comparable(report)
        like.reset()
        assert comparable(examined(like)) == comparable(report)


@pytest.mark.slow
def test_another_seed_makes_no_other_report(tmp_path: Path) -> None:
    for seed in range(20):
        with Sandbox(seed, tls=False, switches=Switches(**SWITCHES[1 + seed % 2])) as tenant:
            report = examined(tenant)
        with Sandbox(100 + seed, tls=False, like=kept(report, tmp_path)) as like:
            assert comparable(examined(like)) == comparable(report), seed


@pytest.mark.parametrize("answers", [ODD, MISSING, LENIENT])
def test_answers_that_no_switch_gives_are_like_the_tenants(
    sandbox: Sandbox, answers: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    for path, answer in answers.items():
        sandbox.fault(**{"kind": "status", "status": 200, "times": None, "path": path, **answer})
    report = examined(sandbox)
    with Sandbox(9, tls=False, like=kept(report, tmp_path)) as like:
        assert comparable(examined(like)) == comparable(report)


@pytest.mark.parametrize("page", PAGES)
def test_pages_that_no_switch_gives_are_like_the_tenants(sandbox: Sandbox, page: Any, tmp_path: Path) -> None:
    sandbox.fault(kind="status", status=200, body=page, path="/api/1.0/clients", times=None)
    report = examined(sandbox)
    report.errors.pop("refused")  # the fault takes its place
    with Sandbox(9, tls=False, like=kept(report, tmp_path)) as like:
        found = comparable(examined(like))
    del found["errors"]["refused"]
    expected = comparable(report)
    assert found["operations"]["list_clients"] == expected["operations"]["list_clients"]
    assert found["errors"] == expected["errors"]


def test_switches_of_the_caller_go_before_those_of_the_report(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.switch(money="text")
    path = kept(examined(sandbox), tmp_path)
    assert Sandbox(like=path).switches.money == "text"
    assert Sandbox(like=path, switches=Switches(clients=3)).switches == Switches(clients=3)
    command = [sys.executable, "-m", "krebit_sandbox", "--like", str(path), "--no-tls", "--clients", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("export KREBIT_DOMAIN=")
        process.terminate()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("\xff", "is no JSON"),
        ("[]", "is no report of krebit doctor"),
        ('{"format": "krebit-doctor-report", "version": 2}', "is of version 2"),
        ('{"format": "krebit-doctor-report", "version": 1}', "operations: is missing"),
        (
            '{"format": "krebit-doctor-report", "version": 1, "operations": {"a": 1}, "errors": {}}',
            "operations.a: 1 is no object",
        ),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text, "latin-1")
    with pytest.raises(ValueError, match=said):
        Likeness.read(path)
    command = [sys.executable, "-m", "krebit_sandbox", "--like", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert str(path) in done.stderr


def changed(report: Any, change: Callable[[Any], object]) -> Any:
    content = json.loads(json.dumps(report.shapes()))
    change(content)
    return content


ME = "operations.get_current_user"
HOSTILE: dict[str, tuple[Callable[[Any], object], str]] = {
    "no operations": (lambda it: it.pop("operations"), "operations: is missing"),
    "a list": (lambda it: it.update(operations=[]), r"operations: \[\] is no object"),
    "an operation": (lambda it: me(it, []), f"{ME}: .* is no object"),
    "a method": (lambda it: me(it, "GET\r\nA: b", "method"), f"{ME}.method: .* is not GET"),
    "a path": (lambda it: me(it, "/me page", "path"), f"{ME}.path: .* is no path"),
    "a status": (lambda it: me(it, 99, "status"), f"{ME}.status: 99 is no status"),
    "a status as text": (lambda it: me(it, "200", "status"), f"{ME}.status: '200' is no status"),
    "a form": (lambda it: me(it, "box", "form"), f"{ME}.form: 'box' is none of envelope, bare"),
    "a page": (lambda it: me(it, ["meta"], "page"), f"{ME}.page: .* is none of meta, "),
    "a header": (lambda it: me(it, ["x-ratelimit-a\r\nset-cookie"], "headers"), f"{ME}.headers: .* rate limits"),
    "another header": (lambda it: me(it, ["content-length"], "headers"), f"{ME}.headers: .* rate limits"),
    "a type": (lambda it: me(it, {"data.id": "text"}, "fields"), f"{ME}.fields.data.id: 'text' is no type"),
    "a form of a type": (lambda it: me(it, {"id": "string (loud)"}, "fields"), f"{ME}.fields.id: .* is no type"),
    "a field": (lambda it: me(it, {"id": 5}, "fields"), f"{ME}.fields.id: 5 is no type"),
    "a deep field": (lambda it: me(it, {"a." * 9999 + "b": "string"}, "fields"), f"{ME}.fields: .* nests too deeply"),
    "a difference": (lambda it: me(it, [{"path": 5}], "differences"), f"{ME}.differences: .* is no difference"),
    "an error": (lambda it: it["errors"]["not_found"].update(status="x"), "errors.not_found.status: 'x' is no status"),
}


def me(report: Any, value: object, key: str | None = None) -> None:
    """Put a value in the place of an operation, or of one of its keys."""
    if key is None:
        report["operations"]["get_current_user"] = value
    else:
        report["operations"]["get_current_user"][key] = value


@pytest.mark.parametrize("case", HOSTILE)
def test_a_report_that_the_doctor_does_not_write_is_refused_with_the_place(sandbox: Sandbox, case: str) -> None:
    change, said = HOSTILE[case]
    with pytest.raises(ValueError, match=f"^report: {said}") as caught:
        parse_report(changed(examined(sandbox), change), "report")
    assert len(str(caught.value)) < 300


def test_the_sandbox_reads_all_that_the_doctor_writes() -> None:
    assert (doctor_report.FORMAT, doctor_report.VERSION) == (FORMAT, FORMAT_VERSION)
    assert set(doctor_report.PAGE_FORMS) == set(page_forms.WORDS)
    assert set(reshaping.FORMS) == set(shapes.WORDS)
    values: list[Any] = [None, True, 1, 1.5, "", [], {}]
    assert set(reshaping.TYPES) == {ANY, *map(shapes.json_type, values)}


def test_a_page_where_the_sandbox_has_none_is_answered(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.switch(envelope="bare")
    content = changed(examined(sandbox), lambda it: me(it, "meta", "page"))
    (tmp_path / "report.json").write_text(json.dumps(content))
    with Sandbox(9, tls=False, like=tmp_path / "report.json") as like:
        assert examined(like).operations[0].status == 200


def test_the_sign_in_stays_as_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    """The report is of the API's answers, and not of the token endpoint's."""
    with Sandbox(9, tls=False, like=kept(examined(sandbox), tmp_path)) as like:
        refused = httpx.post(f"{like.url}/api/oauth/token", data={"grant_type": "refresh_token"}, timeout=60)
        assert "error" in refused.json()
        page = httpx.get(f"{like.url}/oauth/authorize", params={"client_id": "nobody"}, timeout=60)
        assert page.status_code < 500
        assert (
            httpx.get(f"{like.url}/api/1.0/me", headers={"Accept": "application/json"}, timeout=60).status_code == 401
        )


def test_a_report_may_come_out_of_a_pipe(sandbox: Sandbox) -> None:
    text = json.dumps(examined(sandbox).shapes())
    command = [sys.executable, "-m", "krebit_sandbox", "--like", "/dev/stdin", "--no-tls"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(text)
        process.stdin.close()
        assert process.stdout.readline().startswith("export KREBIT_DOMAIN=")
        process.terminate()


def test_a_path_of_many_parameters_is_compared_in_good_time(sandbox: Sandbox) -> None:
    path = "/api/1.0/" + "{a}b" * 40 + "/me"
    likeness = Likeness(parse_report(changed(examined(sandbox), lambda it: me(it, path, "path")), "report"))
    answer = Answer(200, [], b'{"data": 5}')

    before = time.thread_time()
    unlike = likeness.reshaped("GET", "/api/1.0/" + "ab" * 100 + "/you", answer, [])
    assert time.thread_time() - before < 1
    assert unlike.body == b'{"data": 5}'


@pytest.mark.parametrize(
    ("path", "asked", "is_met"),
    [
        ("/acts/{uuid}/data", "/acts/5/data", True),
        ("/acts/{uuid}/data", "/acts//data", False),
        ("/acts/{uuid}/data", "/acts/5/6/data", False),
        ("/acts/{uuid}/data", "/acts/5/datax", False),
        ("/{a}-{b}.{c}", "/1-2-3.4.5", True),
        ("/{a}-{b}.{c}", "/1-2-3", False),
        ("/{a}{b}/c", "/12/c", True),
        ("/{a}/{b}", "/1/2/3", False),
    ],
)
def test_parameters_of_a_path_stand_for_any_text_without_a_slash(path: str, asked: str, is_met: bool) -> None:
    operation = {"method": "GET", "path": f"/api/1.0{path}", "status": 404, "headers": [], "differences": []}
    report = {"format": FORMAT, "version": FORMAT_VERSION, "operations": {"one": operation}, "errors": {}}
    answer = Likeness(parse_report(report, "report")).reshaped("GET", f"/api/1.0{asked}", Answer(200, [], b"{}"), [])
    assert (answer.status == 404) == is_met


def test_the_login_page_is_for_browsers_in_a_likeness_too(sandbox: Sandbox, tmp_path: Path) -> None:
    with Sandbox(9, tls=False, like=kept(examined(sandbox), tmp_path)) as like:
        answer = httpx.get(f"{like.url}/api/1.0/me", headers={"Accept": "text/html"}, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (302, "/login")
