"""The soak test itself, for some seconds."""

import subprocess
import sys

import pytest

from tests.oauth.support import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("store", ["files", "postgres", "redis"])
def test_a_short_soak(store: str) -> None:
    program = [sys.executable, "tools/soak.py", "--seconds", "20", "--processes", "9", "--no-proofs", "--store", store]
    ended = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    counts = {line[:16].strip(): int(line[16:].replace(",", "")) for line in ended.stdout.splitlines()}
    assert counts["refusals"] == counts["sessions lost"] == 0
    assert counts["calls"] > 20
    assert counts["refreshes"] >= 2
    assert counts["adoptions"] >= 2
