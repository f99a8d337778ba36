"""A copy of the portfolio in SQLite: clients, their latest acts and the acts' data points. A nightly job.

    python examples/portfolio_sync.py portfolio.db

After a kill at any moment, run it again: within twelve hours of the first start it continues where it stopped. It waits
for rate limits. Amounts are stored as decimal texts, which lose nothing (SQLite has no decimals: its REAL would). Times
are ISO 8601 in UTC.

Exit codes: 0 complete, 1 something failed (run it again soon, it asks only for what is missing), 2 wrong arguments or
settings, 4 somebody must sign in first, 75 another run is under way, 130 interrupted.
"""

import argparse
import json
import os
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import filelock

from krebit import (
    ConfigurationError,
    Krebit,
    KrebitError,
    ListDriftWarning,
    LoginRequired,
    NotFound,
    each,
    paginate,
)
from krebit.models import Act, ActDataPoint, ClientRecord

Progress = Callable[[int, int | None], object]
Bar = Callable[[str], Progress]

# A run that was not ended goes on for this long. A call that fails each time must not keep a run open for ever: in one
# run no client is asked for twice, and new acts of all others would be missed.
GOES_ON = timedelta(hours=12)

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, began TEXT NOT NULL, ended TEXT);
CREATE TABLE IF NOT EXISTS clients (
    id INTEGER PRIMARY KEY, company_name TEXT, org_number TEXT, currency TEXT, credit_limit TEXT, updated_at TEXT,
    seen_in_run INTEGER NOT NULL,   -- one that is gone from the tenant keeps an older run
    acts_of_run INTEGER             -- the run that last asked for its latest act
);
CREATE TABLE IF NOT EXISTS acts (
    uuid TEXT PRIMARY KEY, client_id INTEGER NOT NULL, template_name TEXT, amount TEXT, currency TEXT,
    created_at TEXT, updated_at TEXT,
    points_as_of TEXT               -- the updated_at of the act whose data points are stored
);
CREATE INDEX IF NOT EXISTS acts_of_clients ON acts (client_id);
CREATE TABLE IF NOT EXISTS data_points (act TEXT, id TEXT, name TEXT, type TEXT, value TEXT);
CREATE INDEX IF NOT EXISTS data_points_of_acts ON data_points (act);
"""


def sync(api: Krebit, database: sqlite3.Connection, bar: Bar) -> list[str]:
    """Copy what is new. Return the failures: the next run tries again."""
    failures: list[str] = []
    run = current_run(database)
    walk = paginate(api.list_clients, limit=100).options(prefetch=4, progress=bar("clients"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ListDriftWarning)
        for page in walk.pages():
            with database:  # commits, or rolls back when anything raises
                save_clients(database, run, page.records)
    # A client may be missing: the next run reads the list again.
    failures += [str(one.message) for one in caught if one.category is ListDriftWarning]

    # Every client is asked for its latest act: a new act does not change its client's `updated_at`.
    for found in each(api.get_latest_act, clients_to_ask(database, run), progress=bar("acts")):
        if found.error and not isinstance(found.error, NotFound):
            failures.append(f"client {found.argument}: {found.error}")
            continue
        with database:
            # Without an act the client is not found.
            save_latest_act(database, run, found.argument, found.value if found.ok else None)

    versions = acts_to_read(database)
    for points in each(api.get_act_data, versions, progress=bar("data points")):
        if isinstance(points.error, NotFound):
            continue  # the act was removed in the tenant; the next run asks again
        if points.error:
            failures.append(f"act {points.argument}: {points.error}")
            continue
        with database:
            save_data_points(database, points.argument, versions[points.argument], points.value)

    if not failures:
        end_run(database, run)
    return failures


def current_run(database: sqlite3.Connection) -> int:
    """Return the run that was not ended, if it began a short time ago, or a new one."""
    oldest = as_text(datetime.now(UTC) - GOES_ON)
    with database:
        found = database.execute("SELECT id FROM runs WHERE ended IS NULL AND began > ?", [oldest]).fetchone()
        if found is None:
            found = database.execute("INSERT INTO runs (began) VALUES (?) RETURNING id", [now()]).fetchone()
    return int(found[0])


def end_run(database: sqlite3.Connection, run: int) -> None:
    """Note that the run is complete: the next one asks every client for its latest act anew."""
    with database:
        database.execute("UPDATE runs SET ended = ? WHERE id = ?", [now(), run])


def save_clients(database: sqlite3.Connection, run: int, clients: list[ClientRecord]) -> None:
    """Insert or update them."""
    database.executemany(
        """INSERT INTO clients (id, company_name, org_number, currency, credit_limit, updated_at, seen_in_run)
        VALUES (:id, :company_name, :org_number, :currency, :credit_limit, :updated_at, :run)
        ON CONFLICT (id) DO UPDATE SET (company_name, org_number, currency, credit_limit, updated_at, seen_in_run)
        = (excluded.company_name, excluded.org_number, excluded.currency, excluded.credit_limit, excluded.updated_at,
        excluded.seen_in_run)""",
        [as_texts(client.to_row()) | {"run": run} for client in clients],
    )


def clients_to_ask(database: sqlite3.Connection, run: int) -> list[int]:
    """Return the clients whose latest act this run has not asked for, those first that waited for the most runs."""
    query = "SELECT id FROM clients WHERE seen_in_run = ? AND acts_of_run IS NOT ? ORDER BY acts_of_run, id"
    return [client_id for (client_id,) in database.execute(query, [run, run])]


def save_latest_act(database: sqlite3.Connection, run: int, client_id: int, act: Act | None) -> None:
    """Insert or update the act, and note that the client was asked."""
    if act is not None:
        save_act(database, client_id, act)
    database.execute("UPDATE clients SET acts_of_run = ? WHERE id = ?", [run, client_id])


def save_act(database: sqlite3.Connection, client_id: int, act: Act) -> None:
    """Insert or update an act of this job, or of a webhook delivery, which may come late with an older amount."""
    database.execute(
        """INSERT INTO acts (uuid, client_id, template_name, amount, currency, created_at, updated_at)
        VALUES (:uuid, :client, :template_name, :amount, :currency, :created_at, :updated_at)
        ON CONFLICT (uuid) DO UPDATE SET (amount, currency, updated_at)
        = (excluded.amount, excluded.currency, excluded.updated_at)
        WHERE (excluded.updated_at >= acts.updated_at) IS NOT FALSE""",
        as_texts(act.to_row()) | {"client": client_id},
    )


def acts_to_read(database: sqlite3.Connection) -> dict[str, str]:
    """Return the acts that are new, or have changed since their data points were stored, with their `updated_at`."""
    query = "SELECT uuid, coalesce(updated_at, 'unknown') AS version FROM acts WHERE points_as_of IS NOT version"
    return dict(database.execute(f"{query} ORDER BY uuid"))


def save_data_points(database: sqlite3.Connection, act: str, version: str, points: list[ActDataPoint]) -> None:
    """Replace the data points of an act. `version` is its `updated_at` before they came: a delivery may change it."""
    database.execute("DELETE FROM data_points WHERE act = ?", [act])
    database.executemany(
        "INSERT INTO data_points VALUES (:act, :id, :name, :type, :value)",
        [as_texts(point.to_row()) | {"act": act} for point in points],
    )
    database.execute("UPDATE acts SET points_as_of = ? WHERE uuid = ?", [version, act])


def as_texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row that SQLite can store without a loss: amounts and times as texts, anything nested as JSON."""
    return {name: as_text(value) for name, value in row.items()}


def as_text(value: Any) -> Any:
    """Return what SQLite stores for a value."""
    if isinstance(value, Decimal):
        return f"{value:f}" if abs(value.adjusted()) < 100 else str(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    if isinstance(value, int) and value.bit_length() > 63:  # more than an INTEGER of SQLite holds
        return str(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=as_text)
    # Half a character is no text for SQLite: it is written as JSON writes it.
    return str(value).encode("utf-8", "backslashreplace").decode()


def now() -> str:
    """Return the time as it is stored."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def bars() -> Iterator[Bar]:
    """Show a bar for each step: of rich where it is installed, else a line; none where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda name: lambda done, total: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress as Rich
    except ImportError:
        yield lambda name: lambda done, total: print(f"\r{name}: {done}/{total or '?'}", end="  ", file=sys.stderr)
        print(file=sys.stderr)
        return
    with Rich(console=Console(stderr=True)) as shown:

        def bar(name: str) -> Progress:
            task = shown.add_task(name, total=None)
            return lambda done, total: shown.update(task, completed=done, total=total)

        yield bar


def main() -> int:
    """Run the job. Return its exit code."""
    parser = argparse.ArgumentParser(description="Copy the portfolio into SQLite.")
    parser.add_argument("database", help="the file; made where there is none")
    path = parser.parse_args().database
    plain_http = os.environ.get("KREBIT_PLAIN_HTTP") == "1"  # for a sandbox without TLS
    try:
        with (
            filelock.FileLock(f"{path}.lock", timeout=0),
            closing(sqlite3.connect(path, timeout=30)) as database,
            Krebit.from_env(plain_http=plain_http) as api,
            bars() as bar,
        ):
            database.executescript(SCHEMA)
            failures = sync(api, database, bar)
            (clients,) = database.execute("SELECT count(*) FROM clients").fetchone()
            (acts,) = database.execute("SELECT count(*) FROM acts").fetchone()
    except filelock.Timeout:
        print(f"error: another run is writing to {path}", file=sys.stderr)
        return 75
    except (KrebitError, OSError, sqlite3.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        return 130
    print(f"{clients} clients, {acts} acts; failed calls: {len(failures)}")
    for failure in failures[:10]:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


def exit_code(error: Exception) -> int:
    """Return the code that tells a scheduler what to do about an error that ended the job."""
    if isinstance(error, LoginRequired):
        return 4
    return 2 if isinstance(error, ConfigurationError) else 1


if __name__ == "__main__":
    raise SystemExit(main())
