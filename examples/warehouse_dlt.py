"""Load the portfolio into a warehouse with dlt, here DuckDB: clients, their latest acts and the acts' data points.

    pip install 'dlt[duckdb]'
    python examples/warehouse_dlt.py portfolio.duckdb

dlt 1.31 needs Python 3.14 or older. Amounts are DECIMAL columns, times are timestamps. Each run loads every client, and
of the acts those that are new or have changed: dlt keeps in its state which it has loaded, and commits that with the
data.

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
def portfolio(api: Krebit) -> Any:
    """Return the resources: one walk over the clients feeds all three. Each yields and takes a page at a time."""

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
        loaded = dlt.current.resource_state().setdefault("loaded", {})
        changed = []
        for found in each(api.get_latest_act, [client["id"] for client in page]):
            if isinstance(found.error, NotFound):  # a client without acts
                continue
            act = pick(found.value.to_row(), ACTS)
            version = f"{act['uuid']} {act['updated_at']}"
            if loaded.get(str(found.argument)) != version:
                loaded[str(found.argument)] = version
                changed.append(act)
        yield changed

    # The merge key: all data points of an act are replaced together.
    @dlt.transformer(data_from=acts, primary_key=["act", "id"], merge_key="act", write_disposition="merge")
    def data_points(page: list[Row]) -> Iterator[list[Row]]:
        for found in each(api.get_act_data, [act["uuid"] for act in page]):
            yield [pick(point.to_row(), DATA_POINTS) | {"act": found.argument} for point in found.value]

    return clients, acts, data_points


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
    with Krebit.from_env(plain_http=plain_http) as api:
        print(pipeline.run(portfolio(api)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
