"""From WordPress: an export (WXR 1.0 to 1.2) alone, or in an archive together with the folder of its uploads.

The export is read three times as a stream. First everything is checked and surveyed, and nothing is changed. Then each record is taken
in small transactions, so that an import that was cut off is finished by repeating it. Last, bodies that point to what came after them
are looked at again.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page

from webstreet.contract.jobs import ImportReport
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.imports import (
    ArticleRecord,
    ImportContext,
    MenuRecord,
    PageRecord,
    Status,
    archives,
    attachments,
    fetching,
)
from webstreet.engine.imports.bodies import BODY_MAX, Targets, blocks_of, plain_text
from webstreet.engine.imports.crispy_octo import ImportFileMissing
from webstreet.engine.imports.markup import may_be_linked
from webstreet.engine.imports.origin import Origin
from webstreet.engine.imports.survey import TAKEN, MenuEntry, Survey
from webstreet.engine.imports.wxr import Item, Wxr, invalid
from webstreet.engine.rows import swept
from webstreet.engine.uploaded import FileRefused

SOURCE = "wordpress"
BATCH = 25
WORKING = "webstreet-import-"
"""What the names of folders begin with that hold what is only passing through."""
REPORT_EVERY_BYTES = 4 * 1024 * 1024
INTRO_MAX = 500
PATH_MAX = 255
MENU_ADDRESS = re.compile(r"(?:https?://|mailto:)\S{1,480}")
HERE = "here"
"""Kind of the `Origin` that names the page of a record, whichever atom made it."""
Report = Callable[[str, int, int], None]
_STATUSES: dict[str, Status] = {
    "publish": "public",
    "future": "scheduled",
    "draft": "draft",
    "pending": "draft",
    "auto-draft": "draft",
    "private": "private",
}


def run(path: Path, report: Report, *, fetch: fetching.Budget | None = None) -> ImportReport:
    """Take over posts, pages, authors, categories, tags, menus, images and documents.

    Args:
        path: the export, or an archive (.zip, .tar.gz) that holds it and the files of ``wp-content/uploads``.
        fetch: files that are not in the archive may be fetched from the source's site, so much of them.

    Raises:
        ImportFileMissing: no such file. ExportInvalid, ArchiveRefused: it cannot be read; nothing was changed.
    """
    with _working_folder() as folder:
        export, uploads = _opened(path, folder)
        survey = Survey(folder / "survey.sqlite3")
        try:
            return _Import(export, uploads, survey, report, fetch).run()
        finally:
            survey.close()


@contextmanager
def _working_folder() -> Iterator[Path]:
    """Locked as long as this process lives: what nobody locks was left by an import that was killed, and is removed."""
    above = attachments.beside_the_data() or Path(tempfile.gettempdir())
    with ExitStack() as ours:
        with ExitStack() as door:
            _lock(above, door)
            for left in above.glob(f"{WORKING}*"):
                with ExitStack() as found:
                    if _lock(left, found, wait=False):
                        shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=WORKING, dir=above))
            _lock(folder, ours)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path, stack: ExitStack, *, wait: bool = True) -> bool:
    """Hold the folder's lock until the stack ends; False where somebody else does."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    stack.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _opened(path: Path, folder: Path) -> tuple[Path, Path | None]:
    """The export, and the folder of uploads where there is one."""
    try:
        if not archives.is_archive(path):
            return path, None
    except OSError as error:
        raise ImportFileMissing(f"{path} cannot be read: {error.strerror}.") from None
    export, uploads, places = folder / "export.xml", folder / "uploads", archives.Places()
    for entry in archives.entries(path):
        name = entry.path
        if name.suffix.lower() == ".xml" and "uploads" not in name.parts:
            if not export.exists():
                archives.copied(entry, export)
        elif attachments.kind_of(name.name):
            below = name.parts[name.parts.index("uploads") + 1 :] if "uploads" in name.parts else name.parts
            places.take(PurePosixPath(*below))
            target = uploads.joinpath(*below)
            target.parent.mkdir(parents=True, exist_ok=True)
            archives.copied(entry, target)
    if not export.exists():
        raise invalid(
            1,
            "is an archive without an export (.xml) in it.",
            "Put the export beside the folder uploads.",
            "wxr.not_wxr",
        )
    return export, uploads


class _Import:
    """One run, from the survey to the report."""

    def __init__(
        self, export: Path, uploads: Path | None, survey: Survey, report: Report, fetch: fetching.Budget | None
    ) -> None:
        self._export, self._uploads, self._survey = export, uploads, survey
        self._report, self._fetch = report, fetch
        self._context = ImportContext(SOURCE, report, taken=self._taken)
        self._authors: dict[str, str] = {}
        self._base = ""

    def run(self) -> ImportReport:
        self._look()
        self._files()
        self._records("content", self._context, late_only=False)
        if self._survey.late():
            # What they say of the same records was said already.
            self._records("links", ImportContext(SOURCE, taken=self._taken), late_only=True)
        self._once("tree", self._tree)
        self._menu()
        self._redirects()
        if self._fetch is not None:
            self._context.note(self._fetch.told())
        return self._context.finish()

    # -- First look ----------------------------------------------------------------------------------------------------
    def _look(self) -> None:
        size, shown = self._export.stat().st_size, 0

        def on_bytes(done: int) -> None:
            nonlocal shown
            if done - shown >= REPORT_EVERY_BYTES or done >= size:
                shown = done
                self._report("check", done, size)

        context = self._context
        with self._export.open("rb") as file:
            wxr = Wxr(
                file, on_bytes, lambda line: context.lost(line, "a character that XML does not allow was replaced")
            )
            for item in wxr:
                if item.post_type == "attachment" or item.status != "trash":
                    self._note(item)
                else:
                    context.counted("trash")
        channel, survey = wxr.channel, self._survey
        survey.know(channel)
        self._authors, self._base = channel.authors, channel.home_url or channel.site_url
        context.language = channel.language.split("-")[0].lower()
        context.counted("comments", survey.comments)
        for kind, number in sorted(survey.counts.items()):
            if kind not in TAKEN:
                context.counted(kind or "without a type", number)

    def _note(self, item: Item) -> None:
        if not item.post_id:
            self._context.rejected(item.line, "there is no number (wp:post_id)")
        elif not self._survey.add(item):
            self._context.rejecting(item.line, "the number occurs a second time; the first is taken", item.post_id[:40])

    # -- Files ---------------------------------------------------------------------------------------------------------
    def _files(self) -> None:
        total = self._survey.counts["attachment"]
        for done, (number, path, url, title, alt, line) in enumerate(self._survey.files(), 1):
            name = (path or url).rsplit("/", 1)[-1].partition("?")[0][:200]
            self._file(number, path, url, name, title, alt, line)
            if done % 20 == 0 or done == total:
                self._report("files", done, total)

    def _file(self, number: str, path: str, url: str, name: str, title: str, alt: str, line: int) -> None:
        context, kind = self._context, attachments.kind_of(name)
        plural = f"{kind}s"
        if not kind:
            context.rejecting(line, f'the file "{name[:80]}" is of a type that is not taken', number)
        elif attachments.find(SOURCE, kind, number) is not None:
            context.unchanged(plural)
        else:
            try:
                with self._opened_file(path, url) as file:
                    attachments.put(SOURCE, number, name, file, title=title, alt=alt)
            except (FileRefused, fetching.FetchRefused) as error:
                context.rejecting(line, f'the file "{name[:80]}" is not taken: {error.message}', number)
            else:
                context.created(plural)

    @contextmanager
    def _opened_file(self, path: str, url: str) -> Iterator[IO[bytes]]:
        below = url.split("/uploads/", 1)[1] if "/uploads/" in url else ""
        name = (path or url).rsplit("/", 1)[-1]
        found = attachments.file_below(self._uploads, path, below, name) if self._uploads else None
        if found is not None:
            with found.open("rb") as file:
                yield file
        elif self._fetch is not None:
            yield attachments.from_bytes(self._fetch.fetch(url))
        else:
            where = "it is not in the archive's uploads" if self._uploads else "the export has no uploads beside it"
            raise FileRefused(f"{where}; --fetch-remote fetches it from the old site")

    # -- Posts and pages -------------------------------------------------------------------------------------------------
    def _records(self, step: str, context: ImportContext, *, late_only: bool) -> None:
        """Take posts and pages in small transactions, in the order of the file."""
        survey = self._survey
        taken = {kind for kind, hook in (("post", "import_articles"), ("page", "import_pages")) if hooks.has(hook)}
        total = survey.late() if late_only else survey.counts["post"] + survey.counts["page"]
        done = 0
        with self._export.open("rb") as file:
            wanted = (i for i in Wxr(file) if i.post_type in ("post", "page") and i.status != "trash")
            chosen = (i for i in wanted if survey.is_first(i) and (not late_only or survey.is_late(i.post_id)))
            for batch in swept(_batched(chosen, BATCH), every=1):
                with transaction.atomic():
                    for item in batch:
                        self._take(item, taken, context)
                done += len(batch)
                self._report(step, done, total)

    def _take(self, item: Item, taken: set[str], context: ImportContext) -> None:
        status = _STATUSES.get(item.status)
        if item.post_type not in taken:
            context.counted(item.post_type)
        elif status is None:
            context.rejecting(item.line, "its status is not one of WordPress's own", item.post_id)
        elif len(item.content) > BODY_MAX:
            context.rejecting(
                item.line, f"its text has more than {BODY_MAX // 1_000_000} million characters", item.post_id
            )
        elif item.post_type == "post":
            hooks.call("import_articles", [self._article(item, status, context)], context)
        else:
            hooks.call("import_pages", [self._page(item, status, context)], context)

    def _article(self, item: Item, status: Status, context: ImportContext) -> ArticleRecord:
        when = self._moment(item, context)
        if status == "scheduled" and when <= timezone.now():
            status = "public"
        if item.password and status == "draft":
            context.lost(
                item.line,
                "it is a draft with a password, which is not kept: make it private before you publish it",
                _subject(item),
            )
        elif item.password:
            context.lost(item.line, "it had a password; it is private here", _subject(item))
            status = "private"
        intro = plain_text(item.excerpt)
        if len(intro) > INTRO_MAX:
            context.lost(item.line, f"its excerpt is longer than {INTRO_MAX} characters and was cut", _subject(item))
        name = self._authors.get(item.creator, item.creator).partition("@")[0].strip()
        terms = (term[2] or term[1] for term in item.terms if term[0] in ("category", "post_tag", "tag"))
        names = (" ".join(term.replace(",", " ").split())[:100] for term in terms)
        tags = {n.casefold(): n for n in names if n and n.casefold() not in ("uncategorized", "non classé")}
        cover = attachments.find(SOURCE, "image", item.meta.get("_thumbnail_id", "")[:40])
        return ArticleRecord(
            item.post_id, item.title, "", status, when, item.line,
            blocks=self._blocks(item, context), slug=slugify(item.slug), intro=intro[:INTRO_MAX],
            authors=((slugify(name) or "author", name),) if name else (), tags=tuple(tags.values()), cover=cover,
        )  # fmt: skip

    def _page(self, item: Item, status: Status, context: ImportContext) -> PageRecord:
        when = self._moment(item, context) if status == "scheduled" else None
        published = status == "public" or (when is not None and when <= timezone.now())
        if item.password or status == "private":
            context.lost(
                item.line,
                "pages are for everybody here: it was private, or had a password, and is a draft",
                _subject(item),
            )
            # Nor does it become public when its day comes.
            published, when = False, None
        return PageRecord(
            item.post_id, item.title, published, item.line, blocks=self._blocks(item, context), slug=slugify(item.slug),
            go_live_at=None if published else when,
        )  # fmt: skip

    def _moment(self, item: Item, context: ImportContext) -> dt.datetime:
        for text in (item.date_gmt, item.date):
            if text and not text.startswith("0000"):
                try:
                    moment = dt.datetime.fromisoformat(text)
                except ValueError:
                    continue
                return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        if item.status != "draft":
            context.lost(item.line, "it has no date that can be read; it is of today", _subject(item))
        return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)

    def _blocks(self, item: Item, context: ImportContext) -> tuple[tuple[str, object], ...]:
        start, subject, survey = item.content_line, _subject(item), self._survey

        def image(url: str, number: str) -> int | None:
            found = attachments.find(SOURCE, "image", number[:40]) if number else None
            return found if found is not None else attachments.find(SOURCE, "image", survey.file_at(url))

        def page(url: str) -> int | None:
            if survey.is_home(url):
                return int(this_site.home_page().pk)
            number = survey.item_at(url)
            if not number:
                return None
            found = _page_of(number)
            if found is None:
                survey.note_late(item.post_id)
            return found

        targets = Targets(
            image, lambda url: attachments.find(SOURCE, "document", survey.file_at(url)), page, self._base
        )
        return blocks_of(item.content, targets, lambda line, what: context.lost(start + line - 1, what, subject))

    def _taken(self, external_id: str, page: int) -> None:
        Origin.objects.update_or_create(source=SOURCE, kind=HERE, external_id=external_id, defaults={"object_id": page})

    # -- What comes of several -------------------------------------------------------------------------------------------
    def _once(self, what: str, work: Callable[[], None]) -> None:
        """Where things stand is an editor's business after the first time."""
        key = {"source": SOURCE, "kind": "step", "external_id": what}
        if not Origin.objects.filter(**key).exists():
            with transaction.atomic():
                work()
                Origin.objects.create(**key, object_id=0)

    def _tree(self) -> None:
        for number, parent_number in self._survey.parents():
            page, parent = (_page_by_number(n) for n in (number, parent_number))
            if page is None or parent is None or page.is_child_of(parent) or parent.is_descendant_of(page):
                continue
            if parent.get_children().filter(slug=page.slug).exists():
                continue
            page.move(parent, pos="last-child")

    def _menu(self) -> None:
        """The old site's menus as one. Their entries are records as posts are: an editor's change stays."""
        entries, context = self._survey.menu(), self._context
        if not hooks.has("import_menu"):
            context.counted("menu entries", len(entries))
            return
        found = (self._menu_record(place, entry) for place, entry in enumerate(entries, 1))
        with transaction.atomic():
            hooks.call("import_menu", [record for record in found if record is not None], context)
        menus = dict.fromkeys(entry.menu for entry in entries)
        if len(menus) > 1:
            context.note(
                f"The old site had {len(menus)} menus ({', '.join(menus)[:200]}); here they are one, one after the other."
            )
        if nested := sum(entry.nested for entry in entries):
            context.note(
                f"{nested} menu entries stood below another one; here the menu has one level, and they follow it."
            )
        if (more := self._survey.menu_size() - len(entries)) > 0:
            context.note(f"The menus had {more} more entries than the {len(entries)} that are taken.")

    def _menu_record(self, position: int, entry: MenuEntry) -> MenuRecord | None:
        page, url = None, ""
        if entry.kind in ("page", "post"):
            page, reason = _page_of(entry.target), f"leads to a {entry.kind} that is not here"
        elif entry.kind != "custom":
            reason = f'"{entry.title[:80]}" leads to the type "{entry.kind[:30]}", which has no page here: add a link by hand'
        elif self._survey.is_home(entry.url):
            page, reason = int(this_site.home_page().pk), ""
        elif self._survey.is_own(entry.url):
            page = _page_of(self._survey.item_at(entry.url))
            reason = f'"{entry.title[:80]}" leads to {entry.url[:200]} of the old site, which is not here'
        else:
            url = entry.url if MENU_ADDRESS.fullmatch(entry.url) and may_be_linked(entry.url) else ""
            reason = f'"{entry.title[:80]}" leads to no page and to no address of the web'
        if page is None and not url:
            self._context.lost(entry.line, reason, "a menu's entry")
            return None
        return MenuRecord(entry.number, position, " ".join(entry.title.split()), entry.line, page=page, url=url)

    def _redirects(self) -> None:
        for batch in _batched(self._survey.addresses(), 200):
            with transaction.atomic():
                for number, path, line in batch:
                    self._redirect(number, path, line)

    def _redirect(self, number: str, path: str, line: int) -> None:
        page = _page_by_number(number)
        if page is None:
            return
        old = Redirect.normalise_path(path)
        new = page.get_url_parts()
        if not old or old == "/" or (new and Redirect.normalise_path(new[2] or "") == old):
            return
        if len(old) > PATH_MAX:
            self._context.lost(line, "its old address is too long to be kept")
            return
        _, created = Redirect.objects.get_or_create(
            old_path=old, site=None, defaults={"redirect_page_id": page.pk, "is_permanent": True}
        )
        (self._context.created if created else self._context.unchanged)("redirects")


def _subject(item: Item) -> str:
    """As a record's ``subject``, which is not made yet."""
    public = item.status == "publish" and not item.password
    return f'"{item.title[:60]}"' if item.title and public else f"number {item.post_id[:20]}"


def _page_of(number: str) -> int | None:
    return (
        Origin.objects.filter(source=SOURCE, kind=HERE, external_id=number[:100])
        .values_list("object_id", flat=True)
        .first()
    )


def _page_by_number(number: str) -> Page | None:
    found = _page_of(number)
    page: Page | None = Page.objects.filter(pk=found).first() if found is not None else None
    return page.specific if page is not None else None


def _batched(found: Iterator, size: int) -> Iterator[list]:  # type: ignore[type-arg]
    while batch := list(itertools.islice(found, size)):
        yield batch
