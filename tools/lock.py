"""Resolves the requirements into requirements/*.txt: versions and hashes, for every platform, no addresses."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = [
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--custom-compile-command=make lock",
]
# The second is a superset of the first, the third of the second, at the same versions.
LOCKS = {
    "requirements/quickstart.txt": ["--extra=quickstart", "--group=build"],
    "requirements/dev.txt": [
        "--extra=quickstart",
        "--extra=aiohttp",
        "--group=dev",
        "--constraint=requirements/quickstart.txt",
    ],
    "requirements/bench.txt": [
        "--extra=quickstart",
        "--extra=aiohttp",
        "--group=dev",
        "--group=bench",
        "--constraint=requirements/dev.txt",
    ],
}


def main() -> int:
    """Write both locks anew; `--upgrade` takes the newest versions instead of the locked ones."""
    uv = str(Path(sys.executable).with_name("uv"))
    for lock, options in LOCKS.items():
        command = [uv, "pip", "compile", *OPTIONS, *options, *sys.argv[1:], "--output-file", lock, "pyproject.toml"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
