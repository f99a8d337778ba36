"""The document ships with the package; arguments are found in answers; new operations need no edit here."""

import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from krebit.doctor import make_patch
from krebit.doctor.arguments import Known, largest_page, missing_record, refused_query
from krebit.doctor.document import Document, document_text
from krebit.doctor.page_forms import expected_form, form_of
from krebit_sandbox import Sandbox
from tests.contract.conftest import Scratch, scratch
from tests.doctor.support import examined, found, quickstart_document, step

__all__ = ["scratch"]
ROOT = Path(__file__).resolve().parents[2]


def test_the_document_of_a_clone_is_the_one_at_its_root() -> None:
    assert document_text() == (ROOT / "openapi.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_wheel_holds_the_document_beside_the_generated_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    program = "from krebit.doctor.document import document_text; print(len(document_text()))"
    # Its own site folder goes before the installation in place.
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path / "site")}, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(len(document_text())), done.stderr
    assert (tmp_path / "site" / "krebit_api" / "openapi.yaml").is_file()


def test_every_operation_that_only_reads_is_found() -> None:
    operations = Document(quickstart_document()).reading_operations()
    assert [one.id for one in operations] == [
        "get_current_user",
        "list_clients",
        "get_client",
        "get_latest_act",
        "get_act_data",
    ]
    assert [one.id for one in operations if one.is_page] == ["list_clients"]


def grown() -> Document:
    """Return a document with operations that nobody has seen before."""
    document = Document(document_text())
    document.content["paths"] |= {
        "/api/1.0/templates": {"get": _reading("list_templates", [])},
        "/api/1.0/templates/{id}": {"get": _reading("get_template", [_parameter("id", "path")])},
        "/api/1.0/acts/{uuid}/comments/{number}": {
            "get": _reading("get_comment", [_parameter("uuid", "path"), _parameter("number", "path")])
        },
        "/api/1.0/search": {"get": _reading("search", [{**_parameter("q", "query"), "example": "x"}])},
        "/api/1.0/login": {"get": {**_reading("sign_in", []), "security": []}},
    }
    return document


def _parameter(name: str, place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "schema": {"type": "string"}}


def _reading(name: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}}
    return {
        "operationId": name,
        "security": [{"oauth2": []}],
        "parameters": parameters,
        "responses": {"200": {"content": {"application/json": {"schema": schema}}}, "404": {}},
    }


def test_arguments_come_from_answers_by_the_names_of_the_path() -> None:
    operations = {one.id: one for one in grown().reading_operations()}
    known = Known()

    def arguments(name: str) -> list[dict[str, Any]]:
        return list(known.arguments(operations[name]))

    assert "sign_in" not in operations  # no login is for it
    assert arguments("search") == [{"q": "x"}]
    assert arguments("get_client") == []
    known.add("/api/1.0/clients", {"data": [{"id": 7}, {"id": 8}], "meta": {}})
    assert arguments("get_client") == [{"id": 7}, {"id": 8}]
    assert arguments("get_latest_act") == [{"id": 7}, {"id": 8}]
    known.add("/api/1.0/clients/{id}/acts/latest", {"data": {"uuid": "u1", "id": 99, "client_id": 9, "template_id": 4}})
    assert arguments("get_client") == [{"id": 7}, {"id": 8}, {"id": 9}]
    assert arguments("get_act_data") == [{"uuid": "u1"}]
    assert arguments("get_template") == [{"id": 4}]
    assert arguments("get_comment") == []
    known.add("/api/1.0/templates", [{"id": 5, "comment_number": "3"}])
    assert arguments("get_template") == [{"id": 5}, {"id": 4}]
    assert arguments("get_comment") == [{"uuid": "u1", "number": "3"}]


def test_an_operation_that_the_package_does_not_have_yet_is_called_too(sandbox: Sandbox) -> None:
    own = "  /api/1.0/clients/{id}/acts/newest:\n    get:\n      operationId: get_newest_act\n"
    text = document_text()
    start = text.index("  /api/1.0/clients/{id}/acts/latest:")
    stop = text.index("  /api/1.0/acts/{uuid}/data:")
    copied = text[start:stop].replace("acts/latest", "acts/newest").replace("get_latest_act", "get_newest_act")
    newer = text[:stop] + copied.replace("&act", "&newest").replace("*act", "*newest") + text[stop:]
    assert own in newer
    act = {"data": {"uuid": "u1", "amount": 5}}
    sandbox.fault(kind="status", status=200, body=act, path="/api/1.0/clients/12345/acts/newest", times=None)
    report = examined(sandbox, document=newer)
    (result,) = [one for one in report.operations if one.operation == "get_newest_act"]
    assert (result.status, result.verdict) == (200, "as described")


def test_harmless_errors_are_found_in_the_document() -> None:
    operations = {one.id: one for one in grown().reading_operations()}
    assert largest_page(operations["list_clients"]) == {"limit": 100}
    assert largest_page(operations["get_client"]) == {}
    assert refused_query(operations["list_clients"]) == {"limit": 0}
    assert refused_query(operations["get_current_user"]) is None
    assert missing_record(operations["get_client"]) == "/api/1.0/clients/2147483647"
    assert missing_record(operations["get_act_data"]) == "/api/1.0/acts/00000000-0000-0000-0000-000000000000/data"


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ([], "list"),
        ({"data": []}, "none"),
        ({"data": [], "links": {"next": None}}, "links"),
        ({"data": [], "meta": {"current_page": 1}}, "simple"),
        ({"data": [], "meta": {"total": 1}}, "meta"),
        ({"data": [], "meta": {"pagination": {"total": 1}}}, "pagination"),
        ({"data": [], "per_page": 1, "links": []}, "flat"),
    ],
)
def test_the_forms_of_a_page(content: Any, form: str) -> None:
    assert form_of(content) == form


def test_the_form_of_a_page_that_the_document_names() -> None:
    forms = [expected_form(names) for names in (["data", "meta", "links"], ["current_page", "links"], ["links"], [])]
    assert forms == ["meta", "flat", "links", "none"]


def test_a_document_that_is_as_the_tenant_needs_no_patch(sandbox: Sandbox) -> None:
    assert make_patch(examined(sandbox), document_text()) == ""


ODD = {
    "envelope": "bare",
    "money": "text",
    "unknown_keys": True,
    "user_ids": "number",
    "times": "offset",
}


@pytest.mark.slow
def test_the_patch_applies_and_the_patched_document_describes_the_tenant(sandbox: Sandbox, scratch: Scratch) -> None:
    sandbox.switch(**ODD)
    client = {"company_name": "A", "contact_phone": 5, "found_at": "2024-01-01T00:00:00Z", "score": 7.5, "tags": ["x"]}
    for number in (12345, 12346, 12347):
        path = f"/api/1.0/clients/{number}"
        sandbox.fault(kind="status", status=200, body={"id": number, **client}, path=path, times=None)
    before = examined(sandbox)
    patch = make_patch(before, document_text())
    (scratch.root / "tenant.patch").write_text(patch, encoding="utf-8")
    command = ["git", "apply", "--unsafe-paths", "--verbose", "tenant.patch"]
    done = subprocess.run(command, cwd=scratch.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = (scratch.root / "openapi.yaml").read_text(encoding="utf-8")
    checked = scratch.run("check_document.py")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    done = scratch.regenerate()
    assert done.returncode == 0, done.stderr
    program = """
        import typing
        from krebit_api.models import ClientRecord
        hints = typing.get_type_hints(ClientRecord)
        print(hints["found_at"], hints["score"], sep="\\n")
    """
    printed = scratch.python(textwrap.dedent(program))
    assert "datetime" in printed
    assert "float" in printed
    left = found(examined(sandbox, document=text))
    assert {kind for _, _, kind, _ in left} <= {"absent"}, left
    assert make_patch(before, text) != ""  # its differences are of the document before


BY_HAND = """\
# list_clients : metadata in meta and links -> metadata flat beside data
"""


def test_what_no_line_settles_is_listed(sandbox: Sandbox) -> None:
    sandbox.switch(metadata="flat")
    assert make_patch(examined(sandbox), document_text()) == BY_HAND


def test_a_key_that_is_not_there_is_no_longer_required(sandbox: Sandbox) -> None:
    body = {"data": {"name": "A", "email": None, "organization": {"id": None, "name": "B"}}}
    sandbox.fault(kind="status", status=200, body=body, path="/api/1.0/me", times=None)
    patch = make_patch(examined(sandbox), document_text())
    changed = [
        line for line in patch.splitlines() if line.startswith(("-", "+")) and not line.startswith(("---", "+++"))
    ]
    assert changed == [
        "-      required: [id]",
        "+      required: []",
        "-          type: [string, integer]",
        "+          type: [string, integer, 'null']",
    ]


def test_a_key_that_yaml_takes_for_no_text_is_quoted(sandbox: Sandbox) -> None:
    body = {"data": [{"id": 1, "no": 1, "on": 1, "null": 1}]}
    sandbox.fault(kind="status", status=200, path="/api/1.0/clients", body=body, times=None)
    patch = make_patch(examined(sandbox), document_text())
    keys = [line[1:].strip() for line in patch.splitlines() if line.startswith("+    ") and line.endswith(":")]
    added = yaml.safe_load("\n".join(f"{key} 1" for key in keys))
    assert {"no", "on", "null"} <= set(added)


@pytest.mark.parametrize("name", ["..", "../x", "a/b?c#d", "", "x" * 5000])
def test_a_record_whose_name_leads_elsewhere_ends_nothing(sandbox: Sandbox, name: str) -> None:
    body = {"data": [{"id": name, "uuid": name, "act_uuid": name}]}
    sandbox.fault(kind="status", status=200, path="/api/1.0/clients", body=body, times=None)
    report = examined(sandbox)
    assert step(report, "settings").mark == "pass"
    assert "get_client" not in {one.operation for one in report.operations if one.status is not None}
