"""Exactly once: the claim and the effect in one transaction of your own database, here SQLite.

A worker calls its handler at least once: a process can be killed between the effect and the note of it. Here the
delivery's key is stored with the effect, or neither is. `own_transaction_postgres.py` is the same with PostgreSQL.
"""

import os
import sqlite3

from krebit.webhooks import ActCreated, AsgiReceiver, Receiver, SqliteInbox, WebhookEvent


def connect() -> sqlite3.Connection:
    db = sqlite3.connect("shop.db", timeout=30)
    db.execute("CREATE TABLE IF NOT EXISTS handled (delivery TEXT PRIMARY KEY)")
    db.execute("CREATE TABLE IF NOT EXISTS clients (id INTEGER PRIMARY KEY, acts INTEGER NOT NULL)")
    return db


def handle(event: WebhookEvent) -> None:
    db = connect()
    try:
        with db:  # commits, or rolls back when anything raises
            mine = db.execute("INSERT INTO handled VALUES (?) ON CONFLICT DO NOTHING", [event.key]).rowcount
            if mine and isinstance(event, ActCreated):
                count = "INSERT INTO clients VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET acts = acts + 1"
                db.execute(count, [event.data.client_id])
    finally:
        db.close()


receiver = Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=SqliteInbox("inbox.db"))
app = AsgiReceiver(receiver)
