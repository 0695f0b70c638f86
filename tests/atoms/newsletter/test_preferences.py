"""The preference page, and a change of address."""

from __future__ import annotations

import base64
import hmac
import re

import pytest
from django.db.models.signals import pre_save

from webstreet.atoms.newsletter import actions, ledger
from webstreet.atoms.newsletter.models import ConsentRecord, Delivery, Issue, MailingList, Notice, Subscriber, Token

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
ADA, NEW = "ada@example.org", "ada@new.example"
LISTS = [{"key": "articles", "title": "New articles"}, {"key": "events", "title": "Events"}]


@pytest.fixture
def ada(subscribers) -> Subscriber:
    (made,) = subscribers(1)
    Subscriber.objects.filter(pk=made.pk).update(email=ADA, language="en")
    return Subscriber.objects.get()


def page_of(subscriber: Subscriber) -> str:
    return f"/newsletter/preferences/{subscriber.preferences_token}/"


def consents(subscriber: Subscriber) -> list[str]:
    return list(subscriber.consents.order_by("id").values_list("event", flat=True))


@pytest.mark.requirement("P2")
def test_every_mail_of_the_list_leads_to_the_readers_own_page(reader, drain, announce, ada):
    from webstreet.atoms.newsletter.receivers import article_first_public

    reader.sign_up("eve@example.org")
    drain()
    reader.web.post(reader.link("eve@example.org", "confirm"))
    drain()
    article_first_public(announce().uuid)
    drain()
    for email, nth in ((ADA, -1), ("eve@example.org", 1), ("eve@example.org", 2)):
        link = reader.link(email, "preferences", nth=nth)
        answer = reader.web.get(link)
        assert email in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "no-referrer"
        assert not answer.cookies


def test_the_token_stays_the_same_for_ever(settings):
    person = Subscriber(email=ADA)
    said = person.public_id.bytes + ADA.encode()
    seal = hmac.digest(settings.SECRET_KEY.encode(), b"newsletter:preferences:" + said, "sha256")
    token = base64.urlsafe_b64encode(person.public_id.bytes + seal[:20]).decode()
    assert person.preferences_token == token, "links in old mails go on working"


def test_looking_changes_nothing(reader, ada):
    before = Subscriber.objects.values().get()
    text = reader.web.get(page_of(ada)).content.decode()
    assert "<script" not in text, "it works without"
    reader.web.get(page_of(ada), {"action": "unsubscribe", "name": "Eve"})
    assert Subscriber.objects.values().get() == before
    assert consents(ada) == []


def test_name_and_language(reader, ada):
    answer = reader.web.post(page_of(ada), {"action": "save", "name": " Ada Lovelace ", "language": "fr"})
    assert "Vos préférences sont enregistrées." in answer.content.decode()
    ada.refresh_from_db()
    assert (ada.name, ada.language) == ("Ada Lovelace", "fr")
    assert consents(ada) == ["details"]
    reader.web.post(page_of(ada), {"action": "save", "name": "Ada Lovelace", "language": "fr"})
    assert consents(ada) == ["details"], "what stays the same leaves no record"
    for wrong in ({"name": "a\r\nb"}, {"name": "x" * 101}, {"language": "xx"}):
        data = {"action": "save", "name": "Eve", "language": "fr"} | wrong
        assert reader.web.post(page_of(ada), data).status_code == 422
    ada.refresh_from_db()
    assert ada.name == "Ada Lovelace"


def test_lists_are_chosen_and_recorded(reader, ada, parameters):
    parameters(lists=LISTS)
    page = reader.web.get(page_of(ada)).content.decode()
    assert re.search(r'value="articles" id="list-articles" checked', page)
    assert re.search(r'value="events" id="list-events">', page)
    data = {"action": "save", "name": "", "language": "en"}
    assert reader.web.post(page_of(ada), {**data, "lists": ["events"]}).status_code == 200
    assert [m.mailing_list.key for m in ada.memberships.all()] == ["events"]
    record = ada.consents.get(event=ConsentRecord.Event.LISTS)
    assert (record.text, record.source, record.network) == ("Events", "preferences", "127.0.0.0/24")
    nothing = reader.web.post(page_of(ada), data)
    assert nothing.status_code == 422
    assert "Choose at least one list" in nothing.content.decode()
    assert ada.memberships.count() == 1


@pytest.mark.requirement("P2", "P4")
def test_leaving_the_list_counts_in_a_running_issue(reader, ada, subscribers, parameters, announce, smtp, drain):
    from webstreet.atoms.newsletter.receivers import article_first_public

    parameters(lists=LISTS)
    subscribers(2)
    article_first_public(announce().uuid)
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    reader.web.post(page_of(ada), {"action": "save", "name": "", "language": "en", "lists": ["events"]})
    drain()
    assert smtp.to(ADA) == []
    assert Delivery.objects.get(subscriber=ada).state == "suppressed"
    assert Issue.objects.get().counts.total == 3


def test_unsubscribe_from_everything_with_a_way_back(reader, ada):
    answer = reader.web.post(page_of(ada), {"action": "unsubscribe"}).content.decode()
    ada.refresh_from_db()
    assert (ada.status, consents(ada)) == ("unsubscribed", ["withdrawn"])
    assert "You are not subscribed" in reader.web.get(page_of(ada)).content.decode()
    reader.web.post(re.search(r'action="(/newsletter/undo/[^"]+)"', answer).group(1))
    ada.refresh_from_db()
    assert ada.is_active


@pytest.mark.requirement("P2")
def test_a_new_address_counts_once_its_owner_says_so(reader, ada, smtp, drain):
    page = page_of(ada)
    assert reader.web.post(page, {"action": "address", "email": "Ada@NEW.example"}).status_code == 200
    drain()
    ada.refresh_from_db()
    assert ada.email == ADA
    link = reader.link(NEW, "address")
    assert Notice.objects.get().email is None, "what is sent is not kept"
    assert "Use this address" in reader.web.get(link).content.decode()
    ada.refresh_from_db()
    assert ada.email == ADA, "a scanner that follows links changes nothing"
    assert reader.web.post(link).status_code == 200
    drain()
    ada.refresh_from_db()
    assert (ada.email, consents(ada)) == (NEW, ["address"])
    (told,) = smtp.to(ADA)
    assert "Your address for" in told.parsed["Subject"]
    assert NEW not in told.content.decode()
    assert not Token.objects.filter(email=NEW).exists()
    assert not Notice.objects.filter(email=ADA).exists()
    assert "Your address is changed" in reader.web.post(link).content.decode(), "again is fine"
    assert reader.web.get(page).status_code == 404, "the old mailbox opens nothing any more"
    assert reader.web.get(page_of(ada)).status_code == 200


@pytest.mark.parametrize("status", ["active", "unsubscribed", "suppressed", "pending"])
def test_an_address_that_is_known_already(reader, ada, smtp, drain, status):
    Subscriber.objects.create(email=NEW, status=status)
    answer = reader.web.post(page_of(ada), {"action": "address", "email": NEW})
    assert (answer.status_code, "Check your new mailbox" in answer.content.decode()) == (200, True)
    drain()
    if status == "suppressed":
        assert smtp.messages == []
        return
    answer = reader.web.post(reader.link(NEW, "address"))
    ada.refresh_from_db()
    if status == "pending":
        assert (answer.status_code, ada.email, Subscriber.objects.count()) == (200, NEW, 1)
    else:
        assert (answer.status_code, ada.email, Subscriber.objects.count()) == (409, ADA, 2)
        assert "address.taken" in answer.content.decode()


def test_who_subscribes_at_the_new_address_in_that_very_moment(reader, ada, drain):
    """Between the look whether the address is known and the change of the row."""
    reader.web.post(page_of(ada), {"action": "address", "email": NEW})
    drain()
    link = reader.link(NEW, "address")

    def come(sender, instance, **_kwargs):
        if instance.pk == ada.pk:
            Subscriber.objects.bulk_create([Subscriber(email=NEW, status="active")])

    pre_save.connect(come, sender=Subscriber)
    try:
        answer = reader.web.post(link)
    finally:
        pre_save.disconnect(come, sender=Subscriber)
    assert answer.status_code == 409
    assert "address.taken" in answer.content.decode()
    ada.refresh_from_db()
    assert (ada.email, consents(ada)) == (ADA, [])
    assert reader.web.post(link).status_code == 200, "the link was not used up"


def test_a_change_of_address_mails_within_the_limits_of_sign_up(reader, ada, smtp, drain, parameters):
    parameters(limits={"per_network_per_hour": 2})
    asked = [
        reader.web.post(page_of(ada), {"action": "address", "email": f"x{i}@new.example"}).status_code for i in range(3)
    ]
    assert asked == [200, 200, 429]
    drain()
    assert [m.recipients for m in smtp.messages] == [["x1@new.example"]], "the later wish replaces the earlier"
    assert reader.sign_up("eve@example.org").status_code == 429, "one limit for all that mails"


def test_links_that_do_not_work(reader, ada):
    token = ada.preferences_token
    for wrong in (
        token[:-2],
        token + "A",
        "A" * len(token),
        "x",
        "é" * 48,
        token[:30] + ("A" if token[30] != "A" else "B") + token[31:],
    ):
        answer = reader.web.get(f"/newsletter/preferences/{wrong}/")
        assert answer.status_code == 404, wrong
        assert ADA not in answer.content.decode()
    for path in ("preferences", "unsubscribe"):
        assert "A link of a test mail" in reader.web.get(f"/newsletter/{path}/link-of-a-test-mail/").content.decode()
    assert reader.web.get("/newsletter/address/" + "x" * 32 + "/").status_code == 404
    expired = Token.make(Token.Purpose.ADDRESS, ada, hours=-1, email=NEW)
    assert reader.web.post(f"/newsletter/address/{expired}/").status_code == 410
    gone = Token.make(Token.Purpose.ADDRESS, ada, hours=1, email=NEW)
    actions.unsubscribe(ada, source="link")
    assert reader.web.post(f"/newsletter/address/{gone}/").status_code == 410
    assert MailingList.objects.count() == 1
