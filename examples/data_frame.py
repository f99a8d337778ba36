"""The portfolio in a data frame: every client as a row, money as exact decimals, times as times.

Needs polars (`pip install polars`) and the quickstart's environment. The same rows go into pandas
(`pandas.DataFrame(rows)`) or, through either, into DuckDB.
"""

import os

import polars

from krebit import Krebit, paginate

# Named, because a row also has whatever the server sends beyond the document.
COLUMNS = ["id", "company_name", "org_number", "currency", "credit_limit", "updated_at"]


def portfolio(api: Krebit) -> polars.DataFrame:
    """All clients, one a row."""
    walk = paginate(api.list_clients, limit=100).options(prefetch=8)
    rows = ({name: row[name] for name in COLUMNS} for row in walk.rows())
    # Schema from all rows: a column may begin with a hundred empty cells.
    return polars.from_dicts(rows, infer_schema_length=None)


def main() -> None:
    """Print what credit is granted, by currency."""
    plain_http = os.environ.get("KREBIT_PLAIN_HTTP") == "1"  # for a sandbox without TLS
    with Krebit.from_env(plain_http=plain_http) as api:
        clients = portfolio(api)
    print(f"{len(clients)} clients")
    print(
        clients.group_by("currency").agg(
            polars.len().alias("clients"),
            polars.col("credit_limit").sum().alias("credit"),
            polars.col("updated_at").max().alias("last change"),
        )
    )


if __name__ == "__main__":
    main()
