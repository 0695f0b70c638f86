"""What the demo does, step by step, each checked from outside: by a visitor with a browser, and by the mails that arrived."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demoing import texts
from demoing.table import Table
from demoing.world import NotInTime, World, eventually
from webstreet.testing.mailbox import Mail
from webstreet.testing.visitor import Page, Visitor

CLIENT, SITE = "groupe-7", "groupe-7/crispy-octo"
ROOT = Path(__file__).resolve().parent.parent.parent
DUMP = ROOT / "examples" / "crispy-octo.sql"
MAIL_WITHIN_S = 12.0
ISSUE_WITHIN_S = 30.0
READER, SILENT = "new.reader@example.com", "never.confirms@example.org"


@dataclass
class Story:
    """One run: the world it happens in, and what was learnt so far."""

    world: World
    table: Table
    broken: str = ""
    address: str = ""
    audience: set[str] = field(default_factory=set)
    issues: dict[str, int] = field(default_factory=dict)
    """Title -> how many mails there may ever be of it."""

    @property
    def mails(self) -> list[Mail]:
        return self.world.mailbox.mails()

    def visitor(self) -> Visitor:
        return Visitor(self.address)

    # Steps that both runs have

    def start(self, *, control_port: int) -> None:
        with self.table.step("Mail catcher shows its page") as row:
            self.world.start_mailbox()
            if self.broken == "smtp":
                self.world.mailbox.stop_smtp()
            with Visitor(self.world.mailbox.url) as visitor:
                visitor.get("/").expect()
            row.saw(f"smtp {self.world.mailbox.host}:{self.world.mailbox.smtp_port}")
        with self.table.step("Control plane answers") as row:
            self.world.start_control(control_port)
            row.saw(self.world.await_control())

    def add_client(self) -> None:
        with self.table.step("Client Groupe 7 is there") as row:
            names = [found["name"] for found in self.world.cli("client", "list")["items"]]
            if CLIENT not in names:
                self.world.cli("client", "add", CLIENT, "--title", "Groupe 7")
            row.saw("kept from before" if CLIENT in names else "webstreet client add")

    def open_site(self) -> None:
        with self.table.step("Site crispy-octo answers") as row:
            known = [f"{s['client']}/{s['site']}" for s in self.world.cli("site", "list")["items"]]
            if SITE not in known:
                self.world.cli(
                    "site", "open", SITE, "--template", "publication", "--title", "Crispy Octo", "--language", "en",
                    "--language", "fr", "--domain", "crispy-octo.example",
                )  # fmt: skip
            site = eventually(self._answering, within_s=90, what="The site's start")
            self.address = site["address"].rstrip("/") + "/"
            self.world.remember(site)
            if self.broken == "site":
                self.world.cli("site", "suspend", SITE)
            with self.visitor() as visitor:
                page = visitor.get("").expect()
            row.saw(f"200 in {1000 * page.took_s:.0f} ms")

    def _answering(self) -> dict[str, Any] | None:
        """The site, once it is said to run and does: after a start the control plane has not looked yet."""
        site = self.world.cli("site", "status", SITE)
        if site["state"] != "running":
            return None
        with Visitor(site["address"]) as visitor:
            return site if visitor.get("/").status == 200 else None

    def import_dump(self) -> None:
        with self.table.step("Dump of the old site is imported") as row:
            file = DUMP
            if self.broken == "import":
                file = self.world.state / "truncated.sql"
                file.write_bytes(DUMP.read_bytes()[:9000])
            report = self.world.cli("site", "import", SITE, "--from", "crispy-octo", str(file))["report"]
            taken = {kind: sum(report[word].get(kind, 0) for word in ("created", "updated", "unchanged"))
                     for kind in ("articles", "subscribers")}  # fmt: skip
            self.audience = texts.subscribers(DUMP)
            expect(taken["articles"] == 12, f"{taken['articles']} of 12 articles were taken.")
            expect(taken["subscribers"] == len(self.audience), f"{taken['subscribers']} subscribers were taken.")
            rejected = len(report["rejected"])
            row.saw(f"{taken['articles']} articles, {taken['subscribers']} subscribers, {rejected} rejected")

    def editor(self, visitor: Visitor) -> None:
        """Log in by a one-time link, as an editor would."""
        link = self.world.cli("site", "login", SITE, "--next", "/admin/")["url"]
        page = visitor.get(link).expect()
        if "/admin/" not in page.url and page.forms:
            page = visitor.submit(page, page.form(), {}).expect()
        home = visitor.get("/admin/").expect()
        expect("/login" not in home.url, "The one-time link did not log the editor in.")

    def publish(self, visitor: Visitor, article: tuple[str, str, list[str]]) -> Page:
        """Fill in the editor's form and press Publish."""
        title, intro, paragraphs = article
        home = self._pages(visitor, "articles.ArticleIndex")[0]["id"]
        page = visitor.get(f"/admin/pages/add/articles/article/{home}/").expect()
        values = {"title": title, "slug": slug(title), "intro": intro, "visibility": "public", **body(paragraphs)}
        return self._press_publish(visitor, page, values)

    def publish_again(self, visitor: Visitor, article: tuple[str, str, list[str]]) -> Page:
        """Change a published article and press Publish once more."""
        title, intro, paragraphs = article
        number = self._pages(visitor, "articles.Article", slug=slug(title))[0]["id"]
        page = visitor.get(f"/admin/pages/{number}/edit/").expect()
        values = {"intro": intro, **body([*paragraphs, "Read again, and corrected."])}
        return self._press_publish(visitor, page, values)

    def _pages(self, visitor: Visitor, kind: str, **query: str) -> list[dict[str, Any]]:
        """What the editor's page chooser finds."""
        more = "".join(f"&{name}={value}" for name, value in query.items())
        found = json.loads(visitor.get(f"/admin/api/main/pages/?type={kind}{more}").expect().text)["items"]
        expect(bool(found), f"The editor finds no page of type {kind}.")
        return sorted(found, key=lambda page: (page["meta"].get("locale") != "en", page["id"]))

    def _press_publish(self, visitor: Visitor, page: Page, values: dict[str, Any]) -> Page:
        form = page.form(field="title")
        answer = visitor.submit(page, form, {**values, "action-publish": "action-publish"}).expect()
        refused = re.findall(r'class="error-message"[^>]*>(.*?)</', answer.text, re.DOTALL)
        expect(not refused and answer.url != page.url, f"The editor refused the article: {refused or answer.summary}")
        return answer

    def await_issue(self, title: str, audience: set[str]) -> list[Mail]:
        """The mails of one issue, once everybody has theirs; each checked."""

        def arrived() -> list[Mail]:
            return [mail for mail in self.mails if title in mail.subject and mail.unsubscribe_url]

        def complete() -> list[Mail] | None:
            found = arrived()
            return found if {mail.to for mail in found} >= audience else None

        try:
            found = eventually(complete, within_s=ISSUE_WITHIN_S, what="The delivery")
        except NotInTime:
            got = {mail.to for mail in arrived()}
            raise NotInTime(f"{len(got & audience)} of {len(audience)} subscribers had their mail in time.") from None
        check_issue(found, audience, self.address)
        return list(found)

    def no_more_than(self, issues: dict[str, int]) -> None:
        """That no mail was sent again, for any of these articles."""
        for title, number in issues.items():
            more = len([m for m in self.mails if title in m.subject and m.unsubscribe_url]) - number
            expect(more == 0, f"{more} mails more were sent for the same article.")


def check_issue(found: list[Mail], audience: set[str], address: str) -> None:
    """Exactly the audience, one mail each, each with a name of its own and a way out."""
    got = Counter(mail.to for mail in found)
    expect(all(len(mail.recipients) == 1 for mail in found), "A mail had more than one recipient.")
    expect(not set(got) - audience, f"{len(set(got) - audience)} people were mailed who should not have been.")
    expect(max(got.values()) == 1, f"{sum(1 for n in got.values() if n > 1)} people got it more than once.")
    names = {mail.message_id for mail in found}
    expect(len(names) == len(found) and "" not in names, "Two mails have the same Message-ID, or none.")
    for mail in found:
        expect(mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click", "A mail has no one-click way out.")
        expect(mail.unsubscribe_url.startswith(address), "A way out leads somewhere else.")
        expect(bool(mail.text) and bool(mail.html), "A mail lacks its text or its HTML part.")
    expect(len({mail.unsubscribe_url for mail in found}) == len(found), "Two people share a way out.")


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def slug(title: str) -> str:
    import unicodedata

    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def body(paragraphs: list[str]) -> dict[str, str]:
    """The text as the editor's script sends it: one block, its content in Draft.js's own form."""
    blocks = [
        {
            "key": f"p{n:04d}",
            "text": text,
            "type": "unstyled",
            "depth": 0,
            "inlineStyleRanges": [],
            "entityRanges": [],
            "data": {},
        }
        for n, text in enumerate(paragraphs)
    ]
    return {
        "body-count": "1",
        "body-0-deleted": "",
        "body-0-order": "0",
        "body-0-type": "text",
        "body-0-id": "",
        "body-0-value": json.dumps({"blocks": blocks, "entityMap": {}}),
    }


def first_link(mail: Mail, address: str) -> str:
    """The first address of this site in a mail's text."""
    found = re.search(re.escape(address) + r"[^\s<>\")\]]*", mail.text)
    if not found:
        raise NotInTime(f'The mail "{mail.subject}" has no link to the site.')
    return found.group().rstrip(".,")


def once(story: Story) -> None:
    """Everything, checked. Raises `StepFailed`."""
    story.start(control_port=0)
    story.add_client()
    story.open_site()
    story.import_dump()
    _articles(story)
    _sign_up(story)
    with story.visitor() as editor:
        first = _publish(story, editor)
        _unsubscribe(story, first)
        _publish_again(story, editor, len(first))


def _articles(story: Story) -> None:
    with story.table.step("Public articles can be read") as row, story.visitor() as visitor:
        for title in texts.PUBLIC:
            page = visitor.get(f"/{slug(title)}/").expect()
            expect(title in page.text, f"{page.url} does not show its title.")
        row.saw(f"{len(texts.PUBLIC)} of 8 opened")
    with story.table.step("Private and archived ones cannot") as row, story.visitor() as visitor:
        listed = visitor.get("/sitemap.xml").expect().text + visitor.get("/feed/").expect().text
        for name, word in texts.HIDDEN.items():
            visitor.get(f"/{name}/").expect(404)
            expect(f"/{name}/" not in visitor.get(f"/search/?q={word}").text, f"The search finds {name}.")
            expect(name not in listed, f"Sitemap or feed name {name}.")
        row.saw("404; not in search, sitemap, feed")
    expect(not story.mails, "The import sent mails.")


def _sign_up(story: Story) -> None:
    with story.table.step("Sign-up sends a confirmation mail") as row:
        for address in (SILENT, READER):
            with story.visitor() as visitor:
                page = visitor.get("").expect()
                form = page.form(kind="email")
                visitor.submit(page, form, {form.field_of_kind("email"): address}).expect()
        asked = story.world.mailbox.wait_for(lambda m: m.to == READER, timeout_s=MAIL_WITHIN_S)
        row.saw(f"“{asked.subject}”")
    with story.table.step("Confirming sends the welcome mail") as row, story.visitor() as visitor:
        page = visitor.get(first_link(asked, story.address)).expect()
        visitor.submit(page, page.form(), {}).expect()
        later = asked.number
        welcome = story.world.mailbox.wait_for(lambda m: m.to == READER, timeout_s=MAIL_WITHIN_S, after=later)
        row.saw(f"“{welcome.subject}”")
    expect(not [m for m in story.mails if m.to not in (READER, SILENT)], "Somebody else was mailed.")
    story.audience.add(READER)


def _publish(story: Story, editor: Visitor) -> list[Mail]:
    with story.table.step("Editor publishes an article") as row:
        story.editor(editor)
        began = time.monotonic()
        story.publish(editor, texts.FIRST)
        took = time.monotonic() - began
        with story.visitor() as visitor:
            visitor.get(f"/{slug(texts.FIRST[0])}/").expect()
        row.saw(f"form sent in {took:.1f} s, page public")
    with story.table.step("Confirmed subscribers got one each") as row:
        found = story.await_issue(texts.FIRST[0], story.audience)
        row.saw(f"{len(found)} mails, {len({m.message_id for m in found})} Message-IDs")
    return found


def _unsubscribe(story: Story, issue: list[Mail]) -> None:
    with story.table.step("One click unsubscribes") as row, story.visitor() as visitor:
        mail = next(mail for mail in issue if mail.to == READER)
        visitor.get(mail.unsubscribe_url).expect()  # a link scanner: changes nothing, which the next step would show
        answer = visitor.post(mail.unsubscribe_url, {"List-Unsubscribe": "One-Click"}).expect()
        story.audience.discard(READER)
        row.saw(f"POST as the header says: {answer.status}")


def _publish_again(story: Story, editor: Visitor, before: int) -> None:
    with story.table.step("Publishing again sends nothing") as row:
        story.publish_again(editor, texts.FIRST)
        # The next issue comes after anything that the second publication could have sent.
        story.publish(editor, texts.SECOND)
        found = story.await_issue(texts.SECOND[0], story.audience)
        story.no_more_than({texts.FIRST[0]: before})
        story.issues = {texts.FIRST[0]: before, texts.SECOND[0]: len(found)}
        row.saw(f"still {before}; the next article: {len(found)}")
