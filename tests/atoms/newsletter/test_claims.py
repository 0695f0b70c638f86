"""What a worker claims at once: everybody of a chunk, exactly, however long their addresses are."""

from __future__ import annotations

import pytest
from django.db import connections

from webstreet.atoms.newsletter import ledger
from webstreet.atoms.newsletter.models import Chunk, Delivery, Issue, Membership, Subscriber
from webstreet.engine import hooks
from webstreet.kernel.errors import Broken

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
LONG = "é" * 40 + "{}@" + ".".join(["a" * 60] * 3) + ".example.org"


@pytest.fixture
def lease(announce, subscribers):
    made = subscribers(300)
    for number, each in enumerate(made):
        Subscriber.objects.filter(pk=each.pk).update(email=LONG.format(number))
    hooks.call("article_first_public", announce().uuid)
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    return ledger.claim_chunk(issue)


def test_a_batch_is_everybody_in_order_as_they_are_written_down(lease):
    people = Delivery.objects.order_by("pk").values_list(
        "pk", "subscriber__email", "subscriber__public_id", "subscriber__unsubscribe_token"
    )
    expected = [(pk, email, public_id.hex, token) for pk, email, public_id, token in people]
    claimed = [*ledger.claim_batch(lease, 200), *ledger.claim_batch(lease, 200), *ledger.claim_batch(lease, 200)]
    found = [(row.delivery_id, row.email, row.public_id, row.unsubscribe_token) for row in claimed]
    assert len(found) == 300
    assert found == expected
    assert {row.attempt for row in claimed} == {1}


def test_a_list_that_is_cut_anywhere_is_not_taken_for_whole():
    lines = [f"{number}\t0\ts{number}@example.org\t{'a' * 32}\t{'b' * 28}\t1" for number in range(5)]
    text = "\n".join(lines)
    assert [row[0] for row in ledger._taken_apart(5, text)] == [0, 1, 2, 3, 4]
    assert ledger._taken_apart(0, None) == []
    for length in range(len(text)):
        with pytest.raises(Broken):
            ledger._taken_apart(5, text[:length])


def test_who_is_gone_or_wants_it_no_more_is_left_out_of_a_batch(lease):
    leaving, erased, off = Subscriber.objects.order_by("pk")[3:6]
    Subscriber.objects.filter(pk=leaving.pk).update(status="unsubscribed")
    Delivery.objects.filter(subscriber=erased).update(subscriber=None)
    Membership.objects.filter(subscriber=off).delete()
    claimed = ledger.claim_batch(lease)
    assert len(claimed) == 297
    assert not {row.email for row in claimed} & {leaving.email, erased.email, off.email}
    assert Delivery.objects.filter(state="suppressed", code="unsubscribed").count() == 3


@pytest.mark.only_on("mariadb", reason="there a batch is one value, because each row that is read costs")
def test_a_server_that_cuts_what_it_gives_hands_out_nobody(lease):
    with connections["newsletter"].cursor() as cursor:
        cursor.execute("SET SESSION group_concat_max_len = 4096")
    try:
        with pytest.raises(Broken) as caught:
            ledger.claim_batch(lease)
    finally:
        connections["newsletter"].close()
    assert caught.value.error_code == "ledger.cut"
    assert Chunk.objects.get().sending_to is None, "nobody is marked as under way"
    assert len(ledger.claim_batch(lease)) == 300, "the next connection is asked for as much as it takes"
