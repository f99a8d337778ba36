"""The wheel in an empty environment, on every supported Python, without extras."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.needs import NO_NODE_MODULES, absent, needs

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSIONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
PROGRAM = """
from decimal import Decimal
from krebit import Krebit, KrebitError, MemoryTokenStore, Walk, money, paginate
from krebit_api.models import ClientRecord

def limits(krebit: Krebit) -> dict[int, Decimal | None]:
    walk: Walk[ClientRecord] = paginate(krebit.list_clients, limit=100)
    return {client.id: money(client.credit_limit) for client in walk}

krebit = Krebit("yourco.krebit.se", "id", "secret", store=MemoryTokenStore())
try:
    limits(krebit)
except KrebitError as error:
    print(type(error).__name__)
"""
PRESENT = """
import importlib.util, pathlib, krebit, krebit_api
for package in (krebit, krebit_api):
    assert (pathlib.Path(package.__file__).parent / "py.typed").is_file()
for extra in ("starlette", "uvicorn", "trustme", "rich", "aiohttp"):
    assert importlib.util.find_spec(extra) is None, extra
"""
OLDER = """
import sys
import hatchling.build, hatchling.metadata.core
sys.version_info = (3, 10, 13, "final", 0)
hatchling.build.prepare_metadata_for_build_wheel(sys.argv[1])
"""


def python(version: str) -> str:
    """An interpreter of that version, or the test is skipped."""
    candidates = [
        os.environ.get(f"KREBIT_PYTHON_{version.replace('.', '_')}"),
        shutil.which(f"python{version}"),
        sys.executable,
    ]
    for candidate in filter(None, candidates):
        program = "import sys; print('%d.%d' % sys.version_info[:2])"
        found = subprocess.run([candidate, "-c", program], capture_output=True, text=True, check=False)
        if found.stdout.strip() == version:
            return candidate
    absent(f"needs Python {version}; set KREBIT_PYTHON_{version.replace('.', '_')} to its path")
    raise AssertionError


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_source_distribution_holds_what_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    subprocess.run([*command, "-t", "sdist"], cwd=ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = [name.partition("/")[2] for name in packed.getnames()]
        packed.extractall(tmp_path, filter="data")
    assert {"openapi.yaml", "generator-config.yml", "templates/model.py.jinja", "LICENSE", "Makefile"} <= set(names)
    assert [name for name in names if "node_modules" in name or "__pycache__" in name or name.startswith(".venv")] == []
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    subprocess.run([*command, "-t", "wheel"], cwd=unpacked, check=True, capture_output=True)
    (made,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(made) as one, zipfile.ZipFile(wheel) as other:
        assert {item.filename: item.CRC for item in one.infolist()} == {
            item.filename: item.CRC for item in other.infolist()
        }


def test_the_supported_pythons_are_those_that_can_install_it() -> None:
    assert [f"Programming Language :: Python :: {version}" for version in VERSIONS] == [
        line for line in PROJECT["classifiers"] if re.search(r":: 3\.", line)
    ]
    assert PROJECT["requires-python"] == f">={VERSIONS[0]}"


def test_an_older_python_is_refused_before_anything_is_resolved(tmp_path: Path) -> None:
    """The build itself says so: an older pip looks at requires-python last, after minutes of downloads."""
    done = subprocess.run(
        [sys.executable, "-c", OLDER, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == f"krebit needs Python {VERSIONS[0]} or later; {sys.executable} is Python 3.10.13\n"
    assert list(tmp_path.iterdir()) == []


def test_every_target_of_the_makefile_is_in_its_help() -> None:
    needs("make")
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    assert set(re.findall(r"^  make ([a-z-]+) +\S", listed, re.MULTILINE)) == set(phony.split()[1:])


def install(version: str, wheel: Path, folder: Path, extra: str = "") -> Path:
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", python(version), folder], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", folder / "bin/python", f"{wheel}{extra}"], check=True)
    return folder / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_it_installs_imports_and_type_checks(version: str, wheel: Path, tmp_path: Path) -> None:
    interpreter = install(version, wheel, tmp_path / "env")
    subprocess.run([interpreter, "-c", PRESENT], check=True, cwd=tmp_path)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run([interpreter, program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "LoginRequired", done.stderr
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--python-executable",
        str(interpreter),
        str(program),
    ]
    checked = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    needs("node")
    pyright = ROOT / "tools" / "node" / "node_modules" / ".bin" / "pyright"
    if not pyright.exists():
        absent(NO_NODE_MODULES)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["program.py"]}')
    checked = subprocess.run(
        [pyright, "--pythonpath", interpreter, "--project", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_the_quickstart_runs_where_it_is_installed(version: str, wheel: Path, tmp_path: Path) -> None:
    interpreter = install(version, wheel, tmp_path / "env", "[quickstart]")
    program = shutil.copy(ROOT / "examples" / "quickstart.py", tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KREBIT_")}
    command = [str(interpreter), "-W", "error", str(program)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "57 clients" in done.stdout


def test_the_sandbox_says_what_it_lacks(wheel: Path, tmp_path: Path) -> None:
    interpreter = install("3.11", wheel, tmp_path / "env")
    done = subprocess.run(
        [interpreter.with_name("krebit-sandbox")], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "krebit[sandbox]" in done.stderr
    assert "Traceback" not in done.stderr
