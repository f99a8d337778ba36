"""`krebit-sandbox`: a sandbox that runs until a signal ends it."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    try:
        from krebit_sandbox.command_line import run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("krebit_sandbox"):
            raise
        print(f"krebit-sandbox needs {error.name}: pip install 'krebit[sandbox]'", file=sys.stderr)
        return 1
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
