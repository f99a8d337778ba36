"""The generated package on its own, against the sandbox: without a line of the overlay."""

import subprocess
import sys

from krebit_sandbox import Sandbox

PROGRAM = """
import sys
sys.modules["krebit"] = None  # whoever imports the overlay fails
from krebit_api import AuthenticatedClient
from krebit_api.api.acts import get_latest_act
from krebit_api.api.clients import get_client, list_clients
domain, token = sys.argv[1:]
with AuthenticatedClient(base_url=f"https://{domain}", token=token, headers={"Accept": "application/json"}) as client:
    page = list_clients.sync(client=client, limit=3)
    record = get_client.sync(12345, client=client)
    act = get_latest_act.sync(12345, client=client)
    record, act = (getattr(found, "data", found) for found in (record, act))  # in its envelope, where it came in one
    print(len(page.data), record.id, act.uuid, token in repr(client))
"""


def test_it_lists_clients_with_a_token_of_ones_own(krebit_sandbox: Sandbox) -> None:
    for envelope in ("data", "bare"):
        krebit_sandbox.switch(envelope=envelope)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, krebit_sandbox.domain, krebit_sandbox.issue_tokens().access_token],
            env={"SSL_CERT_FILE": krebit_sandbox.environment["SSL_CERT_FILE"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["3", "12345", "123e4567-e89b-12d3-a456-426614174000", "False"]
