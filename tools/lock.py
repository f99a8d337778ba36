"""Resolves the requirements into requirements/*.txt: versions and hashes, for every platform, no addresses."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = str(Path(sys.executable).with_name("uv"))
COMPILE = [
    UV,
    "pip",
    "compile",
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--custom-compile-command=make lock",
]
EXTRAS = [f"--extra={name}" for name in ("quickstart", "aiohttp", "postgres", "redis", "excel", "cli")]
# The second is a superset of the first, the third of the second, at the same versions.
LOCKS = {
    "requirements/quickstart.txt": ["--extra=quickstart", "--group=build"],
    "requirements/dev.txt": [*EXTRAS, "--group=dev", "--constraint=requirements/quickstart.txt"],
    "requirements/bench.txt": [*EXTRAS, "--group=dev", "--group=bench", "--constraint=requirements/dev.txt"],
}
LOWEST = "requirements/lowest.txt"


def lock(file: str, options: list[str]) -> None:
    """Write one lock. Versions that stand in it already are kept where they fit."""
    command = [*COMPILE, "--generate-hashes", *options, *sys.argv[1:], f"--output-file={file}", "pyproject.toml"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def lock_lowest() -> None:
    """Write the lock of the lowest declared versions, with the tools of requirements/dev.txt beside them."""
    with tempfile.TemporaryDirectory() as folder:
        floors = f"{folder}/floors.txt"
        command = [
            *COMPILE,
            *EXTRAS,
            "--no-deps",
            "--resolution=lowest-direct",
            f"--output-file={floors}",
            "pyproject.toml",
        ]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        (ROOT / LOWEST).write_text((ROOT / "requirements/dev.txt").read_text())
        lock(LOWEST, [*EXTRAS, "--group=dev", f"--constraint={floors}"])


def main() -> int:
    """Write every lock anew; `--upgrade` takes the newest versions instead of the locked ones."""
    for file, options in LOCKS.items():
        lock(file, options)
    lock_lowest()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
