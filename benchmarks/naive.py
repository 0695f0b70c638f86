"""How newsletters are often sent: a task for each recipient, which looks the recipient up, renders, opens a connection, sends and notes."""

from __future__ import annotations

import smtplib
import time
from email.message import EmailMessage
from urllib.parse import urlsplit

from django.template import Context, Template

from webstreet.atoms.newsletter.models import Notice, Subscriber
from webstreet.contract.environment import EMAIL_URL, read
from webstreet.engine.tasks import task

BODY = "<p>Hello {{ subscriber.pk }},</p>" + "<p>A paragraph of an article, as long as people write them.</p>" * 160


@task(queue="bulk", atom="newsletter")
def send_one(subscriber_id: int) -> None:
    import os

    subscriber = Subscriber.objects.get(pk=subscriber_id)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "newsletter@bench.example", subscriber.email, "Issue"
    message.set_content(Template(BODY).render(Context({"subscriber": subscriber})), subtype="html")
    server = urlsplit(read(os.environ, EMAIL_URL, ""))
    with smtplib.SMTP(server.hostname or "", server.port or 25) as connection:
        connection.send_message(message)
    Notice.objects.create(kind="welcome", subscriber=subscriber, sent_at=subscriber.created_at)


def rate(count: int) -> float:
    """Messages a second, from the first task to the last, by one worker."""
    from webstreet.engine.tasks.worker import drain

    began = time.perf_counter()
    for pk in Subscriber.objects.order_by("id").values_list("pk", flat=True)[:count]:
        send_one.enqueue(pk)
    drain(limit=10 * count)
    return count / (time.perf_counter() - began)
