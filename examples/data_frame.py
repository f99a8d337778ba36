"""The portfolio in a data frame: every client as a row, money as exact decimals, times as times; and in a spreadsheet.

    pip install polars xlsxwriter
    python examples/data_frame.py portfolio.xlsx

`in_pandas` makes the same frame for pandas. Either goes into DuckDB as it is.
"""

import os
import sys
from typing import Any

import polars

from krebit import Krebit, paginate

# Named, because a row also has whatever the server sends beyond the document; with types, because an empty list or an
# empty column has none. Polars cuts off digits beyond the scale without a word, hence nine of them.
SCHEMA: dict[str, Any] = {
    "id": polars.Int64,
    "company_name": polars.String,
    "org_number": polars.String,
    "currency": polars.String,
    "credit_limit": polars.Decimal(38, 9),
    "updated_at": polars.Datetime("us", "UTC"),
}


def rows(api: Krebit) -> list[dict[str, Any]]:
    """All clients, one a row."""
    walk = paginate(api.list_clients, limit=100).options(prefetch=8)
    return [{name: row[name] for name in SCHEMA} for row in walk.rows()]


def in_polars(api: Krebit) -> polars.DataFrame:
    """Return the portfolio as a frame of polars."""
    return polars.DataFrame(rows(api), schema=SCHEMA)


def in_pandas(api: Krebit) -> Any:
    """Return the portfolio as a frame of pandas. The amounts stay `Decimal`, in a column of objects."""
    import pandas

    frame = pandas.DataFrame(rows(api), columns=list(SCHEMA))
    # In UTC: summer and winter have other offsets, and a column has one.
    frame["updated_at"] = pandas.to_datetime(frame["updated_at"], utc=True)
    return frame


def write_excel(frame: polars.DataFrame, path: str, zone: str = "Europe/Stockholm") -> None:
    """Write a spreadsheet, times as they are in the zone: Excel knows none.

    Its numbers hold 15 digits: with more, cast the column to `polars.String`.
    """
    in_zone = polars.col("updated_at").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    frame.with_columns(in_zone).write_excel(path, column_formats={"credit_limit": "#,##0.00"})


def main() -> None:
    """Print what credit is granted, by currency; write a spreadsheet where one is named."""
    plain_http = os.environ.get("KREBIT_PLAIN_HTTP") == "1"  # for a sandbox without TLS
    with Krebit.from_env(plain_http=plain_http) as api:
        clients = in_polars(api)
    print(f"{len(clients)} clients")
    print(
        clients.group_by("currency").agg(
            polars.len().alias("clients"),
            polars.col("credit_limit").sum().alias("credit"),
            polars.col("updated_at").max().alias("last change"),
        )
    )
    for path in sys.argv[1:]:
        write_excel(clients, path)


if __name__ == "__main__":
    main()
