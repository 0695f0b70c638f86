"""Opening, suspending, resuming and closing: the wish, in one transaction, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from webstreet.contract.environment import SettingInvalid
from webstreet.control.clients.actions import remove_client
from webstreet.control.clients.errors import ClientHasSites, ClientMissing
from webstreet.control.clients.models import Client
from webstreet.control.journal.models import Event, JournalClosed
from webstreet.control.orchestrators.base import OrchestratorError, SeenSite, SiteState
from webstreet.control.orchestrators.memory import MemoryOrchestrator
from webstreet.control.reconcile.plan import Policy, plan
from webstreet.control.sites import actions, errors
from webstreet.control.sites.actions import Opening, open_site, refresh_settings, suspend_site
from webstreet.control.sites.models import Domain, Residency, Site, SiteSecret, vault
from webstreet.control.sites.seen import record_seen
from webstreet.control.sites.store_urls import default_email_url, metrics_token, redis_url
from webstreet.control.sites.wanted import wanted_sites
from webstreet.kernel.clock import SystemClock
from webstreet.kernel.errors import BadInput, DocumentInvalid, NotFound, WebstreetError
from webstreet.kernel.ids import SiteId
from webstreet.kernel.secret import Secret

URL = "postgresql://u:canary-password@db.acme.example/news"


def opening(**changes: Any) -> Opening:
    return Opening(**{"client": "acme", "site": "blog", "template": "publication"} | changes)


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Site, Domain, Residency, SiteSecret, Event))


BAD = [
    (opening(client="nobody"), ClientMissing, "client.missing"),
    (opening(client="Bad Name"), BadInput, "client.name_invalid"),
    (opening(site="with spaces"), BadInput, "site.name_invalid"),
    (opening(site="x" * 300), BadInput, "site.name_invalid"),
    (opening(template="publicaton"), NotFound, "template.missing"),
    (opening(parameters={"articels": {}}), DocumentInvalid, "manifest.invalid"),
    (opening(parameters={"newsletter": {"on_publish": "sometimes"}}), DocumentInvalid, "manifest.invalid"),
    (opening(parameters={"newsletter": {"batch_size": "many"}}), DocumentInvalid, "manifest.invalid"),
    (opening(parameters={"newsletter": {"colour": 1}}), DocumentInvalid, "manifest.invalid"),
    (opening(domains=["not a domain"]), DocumentInvalid, "manifest.invalid"),
    (opening(domains=["a.example", "A.example."]), DocumentInvalid, "manifest.invalid"),
    (opening(domains=["https://a.example/x"]), DocumentInvalid, "manifest.invalid"),
    (opening(languages=["tlh"]), DocumentInvalid, "manifest.invalid"),
    (opening(languages=[]), DocumentInvalid, "manifest.invalid"),
    (opening(residency={"articles": "client"}), DocumentInvalid, "manifest.invalid"),
    (opening(residency={"newsletter": "client"}), DocumentInvalid, "manifest.invalid"),
    (opening(residency={"newsletter": "moon"}), DocumentInvalid, "manifest.invalid"),
    (opening(database_urls={"newsletter": Secret("canary-password")}), DocumentInvalid, "manifest.invalid"),
    (opening(database_urls={"articles": Secret(URL)}), DocumentInvalid, "manifest.invalid"),
    (
        opening(database_urls={"default": Secret(URL.replace("postgresql", "oracle"))}),
        DocumentInvalid,
        "manifest.invalid",
    ),
    (opening(email_url=Secret("http://canary-password")), DocumentInvalid, "manifest.invalid"),
    (opening(email_url=Secret("mailgun://canary-password@")), DocumentInvalid, "manifest.invalid"),
    (opening(settings={"SECRET_KEY": Secret("canary-password" * 5)}), DocumentInvalid, "manifest.invalid"),
    (opening(settings={"EVENTS_SECRET": Secret("canary-password")}), DocumentInvalid, "manifest.invalid"),
    (opening(settings={"EVENTS_PROVIDER": Secret("brevo")}), DocumentInvalid, "manifest.invalid"),
    (
        opening(settings={"EVENTS_PROVIDER": Secret("canary-password"), "EVENTS_SECRET": Secret("x" * 20)}),
        DocumentInvalid,
        "manifest.invalid",
    ),
    (
        opening(settings={"BOUNCE_MAILBOX_URL": Secret("imap://u:canary-password@h")}),
        DocumentInvalid,
        "manifest.invalid",
    ),
    (opening(settings={"DNS_SERVERS": Secret("canary-password")}), DocumentInvalid, "manifest.invalid"),
    (opening(settings={"DNS_SERVERS": Secret("")}), DocumentInvalid, "manifest.invalid"),
    (opening(settings={"FILES_URL": Secret("s3://canary-password/x")}), DocumentInvalid, "manifest.invalid"),
    (opening(settings={"FILES_URL": Secret("file:///srv/canary-password/../..")}), DocumentInvalid, "manifest.invalid"),
    (opening(settings={"FILES_URL": Secret("file:///")}), DocumentInvalid, "manifest.invalid"),
    (opening(settings={"FILES_URL": Secret("file:////srv/canary-password")}), DocumentInvalid, "manifest.invalid"),
    (opening(title="x" * 201), DocumentInvalid, "manifest.invalid"),
]


@pytest.mark.parametrize(("wish", "kind", "code"), BAD, ids=[f"{code}-{n}" for n, (_, _, code) in enumerate(BAD)])
def test_bad_input_leaves_nothing_half_done(acme: Client, wish: Opening, kind: type[WebstreetError], code: str) -> None:
    before = counts()
    with pytest.raises(kind) as caught:
        open_site(wish, by="test")
    assert caught.value.error_code == code
    assert "canary-password" not in str(caught.value)
    assert counts() == before


def test_open_site_records_the_whole_wish(acme: Client) -> None:
    site = open_site(
        opening(
            title="Le blog",
            domains=["Blog.Acme.Example.", "été.example"],
            languages=["fr", "en"],
            parameters={"newsletter": {"on_publish": "draft"}},
            residency={"newsletter": "client"},
            database_urls={"newsletter": Secret(URL)},
            email_url=Secret("smtp://mail.example:587 mailjet://key:secret@?order=2"),
        ),
        by="test",
    )
    work = wanted_sites()[SiteId("acme", "blog")].workload
    assert work.generation == 1
    assert not work.suspended
    assert work.manifest.domains == ["blog.acme.example", "xn--t-9fab.example"]
    assert work.manifest.atoms["newsletter"] == {"on_publish": "draft"}
    assert work.manifest.residency == {"newsletter": "client"}
    assert work.secrets["NEWSLETTER_DATABASE_URL"] == Secret(URL)
    assert work.secrets["EMAIL_URL"] == Secret("smtp://mail.example:587 mailjet://key:secret@?order=2")
    assert len(work.secrets["SECRET_KEY"].reveal()) >= 50
    assert site.state == "opening"


OWN = {
    "BOUNCE_MAILBOX_URL": "imaps://bounces%40acme.example:canary-mailbox@mail.example/INBOX",
    "EVENTS_SECRET": "canary-events-0123456789",
    "EVENTS_PROVIDER": "mailgun",
    "FILES_URL": "file:///srv/acme",
    "DNS_SERVERS": "9.9.9.9, 127.0.0.1:5353",
}


def test_a_site_is_given_settings_of_its_own(acme: Client) -> None:
    """As secrets, which are the files that `webstreet.contract.environment.read` reads; who looks at the site sees the others only."""
    site = open_site(opening(settings={name: Secret(value) for name, value in OWN.items()}), by="test")
    given = wanted_sites()[SiteId("acme", "blog")].workload.secrets
    assert {name: given[name].reveal() for name in OWN} == OWN
    kept = {row.name: row.after for row in site.customizations.all()}
    hidden = {name: {"secret": True} for name in ("BOUNCE_MAILBOX_URL", "EVENTS_SECRET")}
    assert kept == {name: {"value": value} for name, value in OWN.items()} | hidden
    assert refresh_settings(by="test") == 0, "what a site was given stays"
    assert "canary" not in repr(list(SiteSecret.objects.values())) + repr(list(Event.objects.values()))


@pytest.mark.parametrize("folder", ["file:///srv/acme", "file:///srv/%61cme/", "file:///srv", "file:///srv/acme/x"])
def test_no_two_sites_keep_their_files_in_one_folder(acme: Client, folder: str) -> None:
    open_site(opening(settings={"FILES_URL": Secret(OWN["FILES_URL"])}), by="test")
    with pytest.raises(DocumentInvalid, match=r"settings\.FILES_URL: is a folder in which another site"):
        open_site(opening(site="second", settings={"FILES_URL": Secret(folder)}), by="test")
    open_site(opening(site="third", settings={"FILES_URL": Secret("file:///srv/acme2")}), by="test")


def test_a_closed_site_leaves_its_folder_to_nobody(acme: Client, other: Client, reconcile: Any) -> None:
    site = open_site(opening(settings={"FILES_URL": Secret(OWN["FILES_URL"])}), by="test")
    reconcile()
    actions.close_site(site, confirm="acme/blog", by="test")
    reconcile()
    assert not SiteSecret.objects.filter(site=site).exists(), "it is closed"
    with pytest.raises(DocumentInvalid, match="in which another site"):
        open_site(opening(client="other", settings={"FILES_URL": Secret(OWN["FILES_URL"])}), by="test")


@pytest.mark.parametrize(
    "spelling", ["blog.acme.example", "BLOG.acme.EXAMPLE", "blog.acme.example.", "ｂｌｏｇ.acme.example"]
)
def test_a_domain_belongs_to_one_site(blog: Site, spelling: str) -> None:
    with pytest.raises(errors.DomainTaken) as caught:
        open_site(opening(site="second", domains=["fine.example", spelling]), by="test")
    assert caught.value.error_code == "domain.taken"
    assert not Site.objects.filter(name="second").exists()
    assert not Domain.objects.filter(name="fine.example").exists()


def test_a_name_is_taken_once_a_client(blog: Site, other: Client) -> None:
    with pytest.raises(errors.SiteTaken):
        open_site(opening(), by="test")
    assert open_site(opening(client="other"), by="test").name == "blog"


def test_suspend_and_resume_change_the_wish_once(blog: Site, reconcile: Any) -> None:
    reconcile()
    for _ in range(2):
        assert actions.suspend_site(blog, by="test").wanted_generation == 2
    reconcile()
    blog.refresh_from_db()
    assert (blog.state, blog.differs) == ("suspended", [])
    for _ in range(2):
        assert actions.resume_site(blog, by="test").wanted_generation == 3
    assert Site.objects.get(pk=blog.pk).state == "updating"
    reconcile()
    blog.refresh_from_db()
    assert (blog.state, blog.seen_generation, blog.differs) == ("running", 3, [])
    asked = Event.objects.filter(object="acme/blog", what__endswith="_wanted").values_list("what", flat=True)
    assert sorted(asked) == ["site.open_wanted", "site.resume_wanted", "site.suspend_wanted"]


def test_close_keeps_a_backup_and_frees_name_and_domain(blog: Site, reconcile: Any, acme: Client) -> None:
    reconcile()
    with pytest.raises(errors.ConfirmationWrong):
        actions.close_site(blog, confirm="blog", by="test")
    closing = actions.close_site(blog, confirm="acme/blog", by="test")
    assert actions.close_site(blog, confirm="acme/blog", by="test").wanted_generation == closing.wanted_generation
    with pytest.raises(errors.SiteClosing):
        actions.resume_site(blog, by="test")
    with pytest.raises(ClientHasSites):
        remove_client(acme, by="test")
    reconcile(6)
    blog.refresh_from_db()
    assert blog.state == "closed"
    assert closing.final_backup_label in blog.seen_backup
    assert not blog.secrets.exists()
    assert not wanted_sites()
    again = open_site(opening(domains=["blog.acme.example"]), by="test")
    assert again.pk != blog.pk


def test_client_can_be_removed_when_its_sites_are_closed(blog: Site, reconcile: Any, acme: Client) -> None:
    actions.close_site(blog, confirm="acme/blog", by="test")
    reconcile(6)
    remove_client(acme, by="test")
    assert not Site.objects.exists()
    assert Event.objects.filter(what="client.removed", client="acme").exists()


def test_a_broken_step_is_said_and_mended(blog: Site, memory: MemoryOrchestrator, reconcile: Any) -> None:
    memory.break_generation(blog.site_id, 1, "Its database does not answer.")
    reconcile()
    blog.refresh_from_db()
    assert blog.state == "failing"
    assert "database" in blog.seen_note
    memory.blind(OrchestratorError("cannot see"))
    with pytest.raises(OrchestratorError):
        reconcile()


def test_secrets_are_encrypted_and_rotate(blog: Site) -> None:
    SiteSecret.put(blog, "DATABASE_URL", Secret(URL))
    row = SiteSecret.objects.get(site=blog, name="DATABASE_URL")
    assert "canary-password" not in row.token + repr(row) + str(row) + repr(vars(row))
    before = row.token
    vault().add_key()
    assert SiteSecret.renew_all() == 2
    vault().drop_old_keys()
    vault().add_key()
    vault().drop_old_keys()
    row.refresh_from_db()
    assert row.token != before
    assert row.value == Secret(URL)


def test_nothing_secret_in_the_journal(acme: Client) -> None:
    open_site(opening(database_urls={"newsletter": Secret(URL)}), by="test")
    assert "canary-password" not in str(list(Event.objects.values()))


def test_the_journal_is_append_only(blog: Site) -> None:
    event = Event.objects.first()
    assert event is not None
    for change in (event.save, event.delete, Event.objects.all().delete, lambda: Event.objects.update(who="x")):
        with pytest.raises(JournalClosed):
            change()


def test_reading_the_wish_costs_the_same_for_many_sites(acme: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            wanted_sites()
        return len(caught)

    open_site(opening(site="s0"), by="test")
    one = queries()
    for number in range(1, 6):
        open_site(opening(site=f"s{number}"), by="test")
    assert queries() == one


@pytest.mark.requirement("H4")
@pytest.mark.parametrize("url", ["sqlite:////var/lib/canary-password.sqlite3", "sqlite://localhost/canary-password"])
def test_the_clients_side_is_no_file_of_the_hosters(acme: Client, url: str) -> None:
    wish = opening(residency={"newsletter": "client"}, database_urls={"newsletter": Secret(url)})
    with pytest.raises(DocumentInvalid) as caught:
        open_site(wish, by="test")
    (problem,) = caught.value.problems
    assert problem.path == "database_urls.newsletter"
    assert "SQLite file would lie on the hoster's disk" in problem.rule
    assert "PostgreSQL" in problem.suggestion
    assert "canary-password" not in str(caught.value)
    open_site(opening(database_urls={"newsletter": Secret(url)}), by="test")  # at the hoster it may lie there


@pytest.mark.requirement("P5")
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "mariadb", "mysql"])
def test_every_database_server_may_be_the_clients(acme: Client, scheme: str) -> None:
    url = Secret(URL.replace("postgresql", scheme))
    site = open_site(opening(residency={"newsletter": "client"}, database_urls={"newsletter": url}), by="test")
    assert "NEWSLETTER_DATABASE_URL" in {secret.name for secret in site.secrets.all()}


def test_a_site_without_a_title_has_one_made_from_its_name(acme: Client) -> None:
    assert open_site(opening(title="  ", site="summer-2"), by="test").wanted_title == "Summer 2"


def test_a_site_that_names_no_mail_server_gets_the_installations(acme: Client, settings: Any) -> None:
    bare = open_site(opening(site="bare"), by="test")
    own = open_site(opening(site="own", email_url=Secret("smtp://own.example:25")), by="test")
    assert (bare.mail, own.mail) == ("none", "own")
    assert "EMAIL_URL" not in bare.workload().secrets
    settings.SITE_EMAIL_URL = Secret("smtp://u:canary-mail@mail.example:587")
    # Only when it is decided anew: the wish of a generation stays what it was.
    assert Site.objects.get(name="bare").workload() == bare.workload()
    assert [refresh_settings(by="test") for _ in range(2)] == [1, 0]
    bare, own = Site.objects.get(name="bare"), Site.objects.get(name="own")
    assert (bare.mail, bare.wanted_generation, own.wanted_generation) == ("default", 2, 1)
    assert bare.workload().secrets["EMAIL_URL"] == settings.SITE_EMAIL_URL
    assert "DEFAULT_EMAIL_URL" not in bare.workload().secrets
    assert own.workload().secrets["EMAIL_URL"] == Secret("smtp://own.example:25")
    assert open_site(opening(site="later"), by="test").workload().secrets["EMAIL_URL"] == settings.SITE_EMAIL_URL
    assert "canary-mail" not in str(list(Event.objects.values()))
    settings.SITE_EMAIL_URL = Secret("")
    assert refresh_settings(by="test") == 2
    assert Site.objects.get(name="bare").mail == "none"


def test_a_default_mail_server_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingInvalid) as caught:
        default_email_url("imap://u:canary-mail@mail.example")
    assert caught.value.error_code == "setting.site_email_url"
    assert "canary" not in str(caught.value)
    several = "smtp://u:canary-mail@mail.example\nsmtps://backup.example?order=2"
    assert default_email_url(several).reveal() == several
    with pytest.raises(SettingInvalid):
        default_email_url(f"{several} imap://mail.example")


@pytest.mark.requirement("P6")
def test_every_site_gets_what_the_installation_gives_to_all(acme: Client, settings: Any) -> None:
    before = open_site(opening(site="before"), by="test")
    given = {"REDIS_URL": Secret("redis://:canary-redis@r.example/0"), "METRICS_TOKEN": Secret("canary-token" * 3)}
    settings.SITE_SECRETS = given
    assert [refresh_settings(by="test") for _ in range(2)] == [1, 0]
    before = Site.objects.get(name="before")
    after = open_site(opening(site="after"), by="test")
    assert (before.wanted_generation, after.wanted_generation) == (2, 1)
    for site in (before, after):
        assert {name: site.workload().secrets.get(name) for name in given} == given
        assert not set(given) & set(site.workload().settings), "a secret is among the settings"
    settings.SITE_SECRETS = given | {"REDIS_URL": Secret("")}
    assert refresh_settings(by="test") == 2
    assert "REDIS_URL" not in Site.objects.get(name="after").workload().secrets
    told = str(list(Event.objects.values()))
    assert "REDIS_URL" in told
    assert "canary" not in told


@pytest.mark.parametrize("url", ["http://u:canary@r.example", "redis://", "redis://u:canary@r.example:99999"])
def test_a_redis_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        redis_url(url)
    assert caught.value.error_code == "setting.site_redis_url"
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("token", ["canary", "canary " * 6, "canaré" * 6])
def test_a_token_that_is_none_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        metrics_token(token)
    assert caught.value.error_code == "setting.site_metrics_token"
    assert "canar" not in str(caught.value)


def test_the_journal_does_not_say_starting_for_what_is_being_stopped(
    blog: Site, memory: MemoryOrchestrator, reconcile: Any
) -> None:
    reconcile()
    suspend_site(blog, by="test")
    _seen_as(blog, SiteState.STARTING)
    _seen_as(blog, SiteState.SUSPENDED)
    told = [event.detail["state"] for event in Event.objects.filter(what="site.seen").order_by("id")]
    assert told == ["running", "suspended"]


def _seen_as(site: Site, state: SiteState) -> None:
    seen = {site.site_id: SeenSite(site.site_id, state, accepted=2)}
    record_seen(seen, plan(wanted_sites(), seen, Policy(), SystemClock().now()))
