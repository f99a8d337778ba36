"""Load the portfolio into a warehouse with dlt, here DuckDB: clients, their latest acts and the acts' data points.

    pip install 'dlt[duckdb]'
    python examples/warehouse_dlt.py portfolio.duckdb

dlt 1.31 needs Python 3.14 or older. Amounts are DECIMAL columns, times are timestamps. Each run loads every client, and
of the acts those that are new or have changed: dlt keeps in its state which it has loaded, and commits that with the
data. A failed call stops no other. The exit code is then 1, and the next run makes the call again.

A cursor on `updated_at` (`dlt.sources.incremental`) would miss acts. A new act does not change its client's
`updated_at`; and an act that is made during a run may be older than the newest one that the run has seen.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

# dlt reports its use to its makers unless it is told not to.
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

import dlt

from krebit import Krebit, NotFound, each, paginate

Row = dict[str, Any]

CLIENTS = ["id", "company_name", "org_number", "country", "currency", "credit_limit", "created_at", "updated_at"]
ACTS = ["uuid", "client_id", "template_id", "template_name", "amount", "currency", "created_at", "updated_at"]
DATA_POINTS = ["id", "template_field_id", "name", "type", "section_id", "tab_id", "order", "value"]


@dlt.source(name="krebit", max_table_nesting=0)
def portfolio(api: Krebit, failures: list[str]) -> Any:
    """Return the resources: one walk over the clients feeds all three. Each yields and takes a page at a time.

    The calls that fail are added to `failures`.
    """

    @dlt.resource(primary_key="id", write_disposition="merge", columns={"credit_limit": {"data_type": "decimal"}})
    def clients() -> Iterator[list[Row]]:
        for page in paginate(api.list_clients, limit=100).options(prefetch=4).pages():
            yield [pick(client.to_row(), CLIENTS) for client in page.records]

    @dlt.transformer(
        data_from=clients,
        primary_key="uuid",
        write_disposition="merge",
        columns={"amount": {"data_type": "decimal"}},
    )
    def acts(page: list[Row]) -> Iterator[list[Row]]:
        changed = []
        for found in each(api.get_latest_act, [client["id"] for client in page]):
            if isinstance(found.error, NotFound):  # a client without acts
                continue
            if found.error:
                failures.append(f"client {found.argument}: {found.error}")
                continue
            act = pick(found.value.to_row(), ACTS) | {"client_id": found.argument}
            if loaded_acts().get(str(found.argument)) != version(act):
                changed.append(act)
        yield changed

    # The merge key: all data points of an act are replaced together.
    @dlt.transformer(data_from=acts, primary_key=["act", "id"], merge_key="act", write_disposition="merge")
    def data_points(page: list[Row]) -> Iterator[list[Row]]:
        acts_by_uuid = {act["uuid"]: act for act in page}
        for found in each(api.get_act_data, acts_by_uuid):
            if isinstance(found.error, NotFound):  # the act was removed in the tenant
                continue
            if found.error:
                failures.append(f"act {found.argument}: {found.error}")
                continue
            yield [pick(point.to_row(), DATA_POINTS) | {"act": found.argument} for point in found.value]
            act = acts_by_uuid[found.argument]
            loaded_acts()[str(act["client_id"])] = version(act)

    return clients, acts, data_points


def loaded_acts() -> dict[str, str]:
    """Return the version of each client's act that was loaded with its data points. dlt keeps it between the runs."""
    loaded: dict[str, str] = dlt.current.source_state().setdefault("loaded", {})
    return loaded


def version(act: Row) -> str:
    """Return a text that changes with the act."""
    return f"{act['uuid']} {act['updated_at']}"


def pick(row: Row, names: list[str]) -> Row:
    """Return the columns that the warehouse has. A row also has whatever the server sends beyond the document."""
    picked = {name: row[name] for name in names}
    if "uuid" in picked:
        picked["uuid"] = str(picked["uuid"])
    if "value" in picked:  # it may be anything
        picked["value"] = json.dumps(picked["value"], ensure_ascii=False, default=str)
    return picked


def main() -> int:
    """Run the pipeline into the DuckDB file that is named."""
    plain_http = os.environ.get("KREBIT_PLAIN_HTTP") == "1"  # for a sandbox without TLS
    pipeline = dlt.pipeline(
        pipeline_name="krebit",
        destination=dlt.destinations.duckdb(sys.argv[1]),
        dataset_name="krebit",
    )
    failures: list[str] = []
    with Krebit.from_env(plain_http=plain_http) as api:
        print(pipeline.run(portfolio(api, failures)))
    for failure in failures[:10]:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
