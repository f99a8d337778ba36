"""Exactly once: the claim and the effect in one transaction of your own database, here PostgreSQL, for several hosts.

The inbox may lie in the same database or in another one. Make the two tables once:

    CREATE TABLE handled (delivery text PRIMARY KEY);
    CREATE TABLE clients (id bigint PRIMARY KEY, acts integer NOT NULL);
"""

import os

import psycopg

from krebit.webhooks import ActCreated, AsgiReceiver, PostgresInbox, Receiver, WebhookEvent

DATABASE = os.environ["DATABASE_URL"]


def handle(event: WebhookEvent) -> None:
    with psycopg.connect(DATABASE) as db:  # one transaction: commits, or rolls back when anything raises
        mine = db.execute("INSERT INTO handled VALUES (%s) ON CONFLICT DO NOTHING", [event.key]).rowcount
        if mine and isinstance(event, ActCreated):
            count = "INSERT INTO clients VALUES (%s, 1) ON CONFLICT (id) DO UPDATE SET acts = clients.acts + 1"
            db.execute(count, [event.data.client_id])


receiver = Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=PostgresInbox(DATABASE))
app = AsgiReceiver(receiver)
