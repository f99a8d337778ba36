"""docs/hosts.md works as it stands: its programs, its SQL, and the containers that it points to."""

import re
from typing import Any

import pytest
import yaml

from krebit.redaction import Secret
from krebit.stores import Login, LoginKey
from krebit.stores.address import store_at
from krebit_sandbox import Sandbox
from tests.docs.pages import ROOT, page, python_blocks
from tests.postgres import PostgresServer, postgres
from tests.redis import RedisServer, redis_server

__all__ = ["postgres", "redis_server"]

PAGE = page("hosts")
KEY = LoginKey("shared.example", "application")


def test_its_programs_run(
    krebit_environment: Sandbox,
    postgres: PostgresServer,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import psycopg

    database = postgres.new_database()
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    names: dict[str, Any] = {}
    for block in python_blocks(PAGE):
        exec(block, names)
    assert capsys.readouterr().out.strip()
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM krebit_logins").fetchone() == (1,)
    with names["store"].lease(KEY, patience=5) as lease:
        lease.save(Login(generation=1))
    assert names["store"].load(KEY) == Login(generation=1)


def test_its_table_serves_a_role_that_may_make_none(postgres: PostgresServer) -> None:
    import psycopg

    from krebit import PostgresTokenStore

    database = postgres.new_database()
    (sql,) = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE my_program LOGIN")
        connection.execute(sql.encode())
    store = PostgresTokenStore(database.replace("user=postgres", "user=my_program"))
    with store.lease(KEY, patience=5) as lease:
        lease.prepare()
        lease.save(Login(generation=1))
    assert store.load(KEY) == Login(generation=1)


def test_its_addresses_are_those_that_the_setting_takes() -> None:
    addresses = re.findall(r"(?:postgresql|rediss)://[^\s`]+", PAGE)
    assert len(addresses) == 3
    for address in addresses:
        store_at(Secret(address), "KREBIT_TOKEN_STORE")


def test_its_containers_share_one_store() -> None:
    services = yaml.safe_load((ROOT / "examples" / "hosts" / "compose.yaml").read_text())["services"]
    worker, database = services["worker"], services["database"]
    address = worker["environment"]["KREBIT_TOKEN_STORE"].replace("${DATABASE_PASSWORD:?}", "canary-2")
    assert repr(store_at(Secret(address), "KREBIT_TOKEN_STORE")) == "PostgresTokenStore('database/krebit')"
    assert database["environment"]["POSTGRES_USER"] == database["environment"]["POSTGRES_DB"] == "krebit"
    assert worker["deploy"]["replicas"] > 1
    assert set(worker["depends_on"]) == {"database"}
