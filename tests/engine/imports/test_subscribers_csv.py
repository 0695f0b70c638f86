"""Lists of subscribers: whatever program wrote them, who may be mailed is mailed and nobody else."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from webstreet.atoms.newsletter import actions
from webstreet.atoms.newsletter.importing import BATCH
from webstreet.atoms.newsletter.models import ConsentRecord, MailingList, Membership, Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.engine.imports import NOTES_MAX, ImportContext, columns, subscribers_csv
from webstreet.engine.imports.columns import ColumnUnknown
from webstreet.engine.imports.subscribers_csv import ListInvalid
from webstreet.kernel.errors import WebstreetError

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])


@pytest.fixture
def run(tmp_path):
    def load(text: str | bytes, *, encoding: str = "utf-8", **options):
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return subscribers_csv.run(path, lambda *a: None, **options)

    return load


def statuses() -> dict[str, str]:
    return dict(Subscriber.objects.values_list("email", "status"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Email Address,First Name,UNSUB_TIME,LEID\na@b.example,Ann,2020-01-02 03:04:05,7\n", {"a@b.example": "unsubscribed"}),
        ("Email Address,CLEAN_TIME\na@b.example,2020-01-02 03:04:05\n", {"a@b.example": "suppressed"}),
        ("uuid,email,name,attributes,status,created_at\nu1,a@b.example,Ann,{},enabled,2020-01-02T03:04:05Z\nu2,c@b.example,C,{},blocklisted,\n",
         {"a@b.example": "active", "c@b.example": "suppressed"}),
        ("id,email,name,subscribed_to_emails,created_at\n1,a@b.example,Ann,true,2020-01-02T03:04:05.000Z\n2,c@b.example,C,false,\n",
         {"a@b.example": "active", "c@b.example": "unsubscribed"}),
        ("email,active_subscription,email_disabled,created_at\na@b.example,false,false,2020-01-02\nc@b.example,true,true,\n",
         {"a@b.example": "active", "c@b.example": "unsubscribed"}),
        ("Prénom;Nom;Adresse e-mail;Statut;Date d’inscription\nAnn;Other;a@b.example;Abonné;02/01/2020\nC;D;c@b.example;Désabonné;\n",
         {"a@b.example": "active", "c@b.example": "unsubscribed"}),
        ("a@b.example\nc@b.example\n", {"a@b.example": "active", "c@b.example": "active"}),
        ("email\tstatus\na@b.example\tcomplained\nc@b.example\tpending\n", {"a@b.example": "suppressed", "c@b.example": "pending"}),
    ],
)  # fmt: skip
def test_lists_as_other_programs_write_them(run, text, found):
    report = run(text)
    assert statuses() == found
    assert report.created == {"subscribers": len(found)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_found_and_told(run, encoding):
    report = run("email;nom complet;langue\na@b.example;Zoé Cœur;fr\n", encoding=encoding)
    found = Subscriber.objects.get()
    assert (found.name, found.language) == ("Zoé Cœur", "fr")
    assert report.notes[0] == f"Read as {encoding}, columns parted by semicolons."


def test_consent_dates_and_lists_are_kept(run):
    title = MailingList.main().title
    report = run(
        "email,lists,created_at,consent date,consent source\n"
        f'a@b.example,"{title}, Nowhere",2020-01-02,2020-01-03,Form of 2020\nc@b.example,,2020-01-02,,\n'
    )
    first = Subscriber.objects.get(email="a@b.example")
    consent = first.consents.get()
    assert (first.created_at.date().isoformat(), consent.at.date().isoformat()) == ("2020-01-02", "2020-01-03")
    assert (consent.event, consent.source, consent.text) == ("imported", "import:csv", "Form of 2020")
    assert Membership.objects.count() == 1
    assert any('"Nowhere"' in note for note in report.notes)


@pytest.mark.requirement("P2")
def test_who_left_or_was_suppressed_stays_so(run):
    run("email,status\na@b.example,bounced\nc@b.example,active\nd@b.example,active\ne@b.example,unsubscribed\n")
    actions.unsubscribe(Subscriber.objects.get(email="c@b.example"), source="link")
    Suppression.note("erased@b.example", hard=False)
    report = run("email\nA@b.example\nc@b.example\ne@b.example\nerased@b.example\n")
    assert statuses() == {
        "a@b.example": "suppressed", "c@b.example": "unsubscribed", "d@b.example": "active", "e@b.example": "unsubscribed",
    }  # fmt: skip
    assert [(r.line, r.reason) for r in report.rejected] == [(5, "the address was erased at its owner's wish")]
    run("email,status\nd@b.example,complained\nc@b.example,spam\n")
    run("email,status\nd@b.example,active\nd@b.example,active\n")
    assert (statuses()["d@b.example"], statuses()["c@b.example"]) == ("suppressed", "suppressed")


LEFT_LONG_AGO = "Email Address,UNSUB_TIME\na@b.example,2021-03-04 05:06:07\n"


@pytest.mark.requirement("P2")
@pytest.mark.parametrize("first", ["email\na@b.example\n", "email,status,status_at\na@b.example,active,2024-01-01\n"])
def test_an_imported_line_is_no_coming_back(run, first):
    run(first)
    run(LEFT_LONG_AGO)
    assert statuses() == {"a@b.example": "unsubscribed"}
    run(first)
    assert statuses() == {"a@b.example": "unsubscribed"}


@pytest.mark.parametrize(
    ("event", "year", "status"),
    [
        ("confirmed", 2022, "active"), ("restored", 2022, "active"), ("added", 2022, "active"), ("address", 2022, "active"),
        ("confirmed", 2020, "unsubscribed"), ("imported", 2022, "unsubscribed"), ("lists", 2022, "unsubscribed"),
        ("asked", 2022, "unsubscribed"),
    ],
)  # fmt: skip
def test_who_asked_here_for_mail_after_leaving_elsewhere_stays(run, event, year, status):
    here = Subscriber.objects.create(email="a@b.example", status="active")
    here.consents.create(event=event, at=dt.datetime(year, 1, 1, tzinfo=dt.UTC))
    run(LEFT_LONG_AGO)
    assert statuses() == {"a@b.example": status}


def test_who_left_without_a_date_has_not_come_back(run):
    here = Subscriber.objects.create(email="a@b.example", status="active")
    here.consents.create(event="confirmed")
    run("email,status\na@b.example,unsubscribed\n")
    assert statuses() == {"a@b.example": "unsubscribed"}


@pytest.mark.requirement("P2")
@pytest.mark.parametrize("left_first", [False, True])
def test_of_two_lines_in_different_batches_the_stricter_one_holds(run, left_first):
    lines = ["a@b.example,", "a@b.example,2021-03-04 05:06:07"]
    first, last = reversed(lines) if left_first else lines
    others = [f"{number}@b.example," for number in range(BATCH + 1)]
    run("\n".join(["Email Address,UNSUB_TIME", first, *others, last]))
    found = statuses()
    assert found.pop("a@b.example") == "unsubscribed"
    assert (len(found), set(found.values())) == (BATCH + 1, {"active"})


def test_of_two_lines_the_stricter_one_holds(run):
    report = run("email,status\na@b.example,active\na@b.example,unsubscribed\na@b.example,active\n")
    assert statuses() == {"a@b.example": "unsubscribed"}
    assert (report.created, report.unchanged) == ({"subscribers": 1}, {"subscribers": 2})


def test_bad_lines_are_said_without_repeating_anybody(run):
    text = 'email,status,created_at\nnobody,active,\n,active,\nsecret@b.example,secret word,\nd@b.example,,yesterday\n"e@b.example,active,'
    report = run(text + "x" * 200_000)
    assert [r.line for r in report.rejected] == [2, 3, 4, 6]
    told = report.model_dump_json()
    assert "nobody" not in told
    assert "secret" not in told
    assert (report.lost[0].line, statuses()) == (5, {"d@b.example": "active"})


def test_a_dry_run_counts_and_changes_nothing(run):
    report = run("email\na@b.example\nnope\n", dry_run=True)
    assert (report.dry_run, report.created, len(report.rejected)) == (True, {"subscribers": 1}, 1)
    assert not Subscriber.objects.exists()
    assert not ConsentRecord.objects.exists()


def test_a_mapping_wins(run):
    run("E-Mail,second,email\nx,a@b.example,x\n", columns=["email=Second"])
    assert statuses() == {"a@b.example": "active"}


@pytest.mark.parametrize(
    ("text", "options", "error", "code"),
    [
        ("first,second\nx,y\n", {}, ColumnUnknown, "csv.column"),
        ("email\nx\n", {"columns": ["emial=email"]}, ColumnUnknown, "csv.column"),
        ("email\nx\n", {"columns": ["email=nowhere"]}, ColumnUnknown, "csv.column"),
        ("", {}, ListInvalid, "csv.empty"),
        ("\n\n", {}, ListInvalid, "csv.empty"),
        (b"PK\x03\x04", {}, ListInvalid, "csv.not_text"),
        (b"a\x00b", {}, ListInvalid, "csv.not_text"),
        (b"\xff\xfea", {}, ListInvalid, "csv.encoding"),
        (b"a\x81\x8d", {}, ListInvalid, "csv.encoding"),
    ],
)
def test_what_is_no_list_is_refused(run, text, options, error, code):
    with pytest.raises(error) as caught:
        run(text, **options)
    assert caught.value.error_code == code
    assert not Subscriber.objects.exists()


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(lambda t: f"email,status,created at,lists\n{t}".encode("utf-8", "replace")),
    )
)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
def test_any_bytes_give_a_report_or_a_refusal(tmp_path, data):
    path = tmp_path / "fuzz.csv"
    path.write_bytes(data)
    context = ImportContext("csv")
    try:
        shape = subscribers_csv.look(path)
        fields = columns.chosen(shape.titles, []) if shape.has_titles else {"email": 0}
        with path.open(encoding=shape.encoding, newline="") as file:
            list(subscribers_csv._records(file, shape, fields, context))
    except WebstreetError as error:
        assert error.error_code.startswith("csv.")


@pytest.mark.parametrize("lists", [3, 3 * NOTES_MAX])
def test_of_lists_that_are_not_here_the_first_are_named_and_the_others_counted(run, lists):
    report = run("email,lists\n" + "".join(f"reader{n}@example.org,List {n % lists}\n" for n in range(1000)))
    assert report.created == {"subscribers": 1000}
    named = [note for note in report.notes if note.startswith("The site has no list")]
    assert len(named) == min(lists, NOTES_MAX - 2), "two others say how the list was read"
    assert report.notes[-1].startswith("And ") is (lists > NOTES_MAX)
