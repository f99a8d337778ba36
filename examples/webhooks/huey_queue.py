"""Long work, retries, schedules: hand the event to a job queue, here huey with its SQLite store.

Run `gunicorn huey_queue:app` for the receiver and `huey_consumer.py huey_queue.queue` for the work. A delivery is
handled once it is in the queue.
"""

import os

from huey import SqliteHuey

from krebit.webhooks import ActCreated, Receiver, SqliteInbox, WebhookEvent, WsgiReceiver

queue = SqliteHuey(filename="queue.db")


def report(event: WebhookEvent) -> None:
    if isinstance(event, ActCreated):
        with open("acts.txt", "a") as file:  # noqa: PTH123
            file.write(f"{event.data.uuid}\n")


task = queue.task(retries=3, retry_delay=10)(report)


def handle(event: WebhookEvent) -> None:
    task(event)


receiver = Receiver(os.environ["KREBIT_WEBHOOK_SECRET"], handle, inbox=SqliteInbox("inbox.db"))
app = WsgiReceiver(receiver)
