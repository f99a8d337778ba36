"""The quickstart's own commands and its Node.js program, unchanged but for the environment, against the sandbox."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from krebit_sandbox import Sandbox

from tests.needs import absent, needs

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "tools" / "node" / "node_modules"

# As the quickstart prints them; each step only adds what the next ones capture.
TOKEN = r"""
ACCESS_TOKEN=$(curl --silent --request POST \
--url https://${KREBIT_DOMAIN}/api/oauth/token \
--header 'Content-Type: application/json' \
--data "{
\"grant_type\": \"authorization_code\",
\"client_id\": \"${KREBIT_CLIENT_ID}\",
\"client_secret\": \"${KREBIT_CLIENT_SECRET}\",
\"redirect_uri\": \"${KREBIT_REDIRECT_URI}\",
\"code\": \"${KREBIT_AUTH_CODE}\"
}" | jq -r '.access_token')
"""
STEPS = {
    "me": r"""
curl --request GET \
--url ${KREBIT_API}/me \
--header "Authorization: Bearer ${ACCESS_TOKEN}"
""",
    "clients": r"""
curl --request GET \
--url "${KREBIT_API}/clients?limit=10&page=1" \
--header "Authorization: Bearer ${ACCESS_TOKEN}" | jq '.data'
""",
    "client": r"""
CLIENT_ID=12345
curl --request GET \
--url "${KREBIT_API}/clients/${CLIENT_ID}" \
--header "Authorization: Bearer ${ACCESS_TOKEN}"
""",
    "act": r"""
curl --request GET \
--url "${KREBIT_API}/clients/${CLIENT_ID}/acts/latest" \
--header "Authorization: Bearer ${ACCESS_TOKEN}"
""",
    "data": r"""
ACT_UUID="123e4567-e89b-12d3-a456-426614174000"
curl --request GET \
--url "${KREBIT_API}/acts/${ACT_UUID}/data" \
--header "Authorization: Bearer ${ACCESS_TOKEN}"
""",
    "webhook": r"""
curl --request POST \
--url "${KREBIT_API}/webhooks" \
--header "Authorization: Bearer ${ACCESS_TOKEN}" \
--header 'Content-Type: application/json' \
--data '{
"event": "EVENT_TYPE",
"target": "https://example.com/webhooks/krebit"
}'
""",
}
NODE = r"""
import axios from 'axios';
const baseUrl = `https://${process.env.KREBIT_DOMAIN}`;
const api = axios.create({
baseURL: `${baseUrl}/api/1.0`,
headers: { Accept: 'application/json' },
});
async function authenticate() {
const { data } = await axios.post(`${baseUrl}/api/oauth/token`, {
grant_type: 'refresh_token',
client_id: process.env.KREBIT_CLIENT_ID,
client_secret: process.env.KREBIT_CLIENT_SECRET,
refresh_token: process.env.KREBIT_REFRESH_TOKEN,
});
api.defaults.headers.common.Authorization = `Bearer ${data.access_token}`;
}
async function run() {
await authenticate();
const { data } = await api.get('/clients', {
params: { limit: 10, page: 1 },
});
console.log('Client count:', data?.data?.length ?? 0);
}
run().catch((error) => {
console.error('Krebit Finance API error', error.response?.data || error.message);
process.exit(1);
});
"""


def environment(sandbox: Sandbox) -> dict[str, str]:
    """The machine's, with what the sandbox says to export; nothing else."""
    mine = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return mine | sandbox.environment


def test_the_curl_commands_run_as_printed(krebit_sandbox: Sandbox) -> None:
    needs("curl", "jq", "bash")
    marks = "".join(f"echo ===={name}====\n{command}\necho\n" for name, command in STEPS.items())
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", TOKEN + marks],
        env=environment(krebit_sandbox),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    parts = re.split(r"====(\w+)====\n", done.stdout)[1:]
    answers = {name: json.loads(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}
    assert answers["me"]["data"]["email"]
    assert len(answers["clients"]) == 10
    assert {"company_name", "org_number", "credit_limit"} <= answers["client"]["data"].keys()
    assert answers["act"]["data"]["uuid"] == "123e4567-e89b-12d3-a456-426614174000"
    assert {"id", "template_field_id", "name", "type"} <= answers["data"]["data"][0].keys()
    assert answers["webhook"]["data"]["secret"]


def test_the_node_program_runs_as_printed(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    needs("node")
    if not (NODE_MODULES / "axios").is_dir():
        absent("axios is not installed; call: npm ci --prefix tools/node")
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    program = tmp_path / "integration.mjs"
    program.write_text(NODE)
    done = subprocess.run(
        ["node", program], env=environment(krebit_sandbox), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "Client count: 10\n"), done.stderr


def test_the_printed_code_and_refresh_token_belong_to_two_grants(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    """Both run in one environment, one after the other: neither spends what the other needs."""
    test_the_curl_commands_run_as_printed(krebit_sandbox)
    test_the_node_program_runs_as_printed(krebit_sandbox, tmp_path)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"])
def test_the_authority_is_named_for_each_tool(krebit_sandbox: Sandbox, name: str) -> None:
    assert "BEGIN CERTIFICATE" in Path(krebit_sandbox.environment[name]).read_text()
