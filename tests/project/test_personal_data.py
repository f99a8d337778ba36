"""What the walk-through shows of a person."""

import subprocess
import sys
from pathlib import Path

from krebit import Krebit
from krebit_sandbox import Sandbox

PROGRAM = Path(__file__).resolve().parents[2] / "examples" / "quickstart.py"


def test_the_quickstart_shows_no_address_and_no_organisation_number(krebit_environment: Sandbox) -> None:
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    with Krebit.from_env() as api:
        user, client = api.get_current_user(), api.get_client(12345)
    assert str(user.name) in done.stdout
    assert str(user.email) not in done.stdout
    assert str(client.company_name) in done.stdout
    assert str(client.org_number) not in done.stdout
