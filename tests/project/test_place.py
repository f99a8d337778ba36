"""No test depends on where the project lies."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
# A folder of the project as part of a path: the folder above the clone may have the same name.
BY_NAME = re.compile(
    r"""["']/(bench|examples|generated|krebit|krebit_api|krebit_sandbox|overlay|sandbox|tests|tools)/["']"""
)


def test_no_test_knows_a_file_by_the_name_of_a_folder_somewhere_above_it() -> None:
    found = [
        f"{path.relative_to(TESTS)}:{number}: {line.strip()}"
        for path in sorted(TESTS.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if BY_NAME.search(line)
    ]
    assert found == []
