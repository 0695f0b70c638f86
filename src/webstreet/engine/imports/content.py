"""The content of an archive: rows and files put back under new numbers, pages first as shells and then with all they refer to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.files import File
from django.db import models
from django.utils.dateparse import parse_datetime
from wagtail.documents import get_document_model
from wagtail.fields import RichTextField, StreamField
from wagtail.images import get_image_model
from wagtail.models import Collection, CollectionViewRestriction, Locale, Page, Revision

from webstreet.contract.template import shipped_templates
from webstreet.engine import site as this_site
from webstreet.engine.addresses import AddressField
from webstreet.engine.announcements import FirstPublic
from webstreet.engine.exports import CHECKSUMS, MANIFEST, Kind, Row, kinds
from webstreet.engine.exports.portable import PAGE_LEAVES, Judges, Names, renamed
from webstreet.engine.imports import ImportContext, archives, attachments, markup
from webstreet.engine.imports.restrictions import restrict
from webstreet.engine.rows import swept
from webstreet.engine.uploaded import FileRefused
from webstreet.kernel.errors import BadInput

FILE_MAX_BYTES = 500 * 1024**2
PAGES_AT_ONCE = 25
SAID = ("live", "has_unpublished_changes", "draft_title", "last_published_at")
FOLDERS = {"images": "original_images/", "documents": "documents/"}
PRIVATE = "Private"


class RowDamaged(BadInput):
    """A row of the archive does not fit its table; nothing was changed."""

    code = "archive.row"


class Content:
    """Takes the groups of an archive in their order, inside one transaction."""

    def __init__(self, context: ImportContext) -> None:
        self._context = context
        self._kinds = {kind.name: kind for kind in [*kinds.before_pages(), *kinds.after_pages()]}
        self._names = Names(list(self._kinds.values()))
        self._root = this_site.home_page()
        self._files: dict[str, str] = {}
        self._home_key = ""

    # -- The site it goes into -------------------------------------------------------------------------------------------
    def is_there_already(self) -> bool:
        """Whether somebody wrote, imported or uploaded something here, be it a draft."""
        edited = Revision.page_revisions.filter(user__isnull=False).exists()
        template = shipped_templates().get(this_site.current().template)
        started_with = [page.slug for page in template.pages] if template else []
        added = Page.objects.filter(depth__gt=2).exclude(slug__in=started_with).exists()
        models = [get_image_model(), get_document_model(), FirstPublic, *(kind.model for kind in kinds.after_pages())]
        return edited or added or any(model._default_manager.exists() for model in models)

    def make_room(self) -> None:
        """What every new site starts with gives way, except its home pages: these become the archive's."""
        homes = {self._root.pk, *self._root.get_translations().values_list("pk", flat=True)}
        for page in Page.objects.filter(depth__gt=1).exclude(pk__in=homes).order_by("-depth"):
            page.specific.delete()
        for kind in kinds.before_pages():
            if kind.model._meta.app_label in {a.label for a in apps.get_app_configs() if ".atoms." in a.name}:
                kind.model._default_manager.all().delete()

    # -- Rows and files --------------------------------------------------------------------------------------------------
    def take(self, name: str, found: Iterator[Any]) -> None:
        """One group; a kind that this site does not have is reported."""
        if name == "files":
            for entry in found:
                self._file(entry)
        elif name == kinds.PAGES:
            for row in self._context.watched_rows(name, found):
                self._shell(row)
        elif name in self._kinds:
            for row in self._context.watched_rows(name, found):
                self._row(self._kinds[name], row)
        elif name not in {entry.name for entry in kinds.rows()} | {MANIFEST, CHECKSUMS}:
            self._context.note(f'This site has no place for "{name}"; it is not taken.')

    def _row(self, kind: Kind, row: Row) -> None:
        tags, restricted = row.pop("tags", None), row.pop("restricted", False)
        try:
            if kind.name in FOLDERS:
                self._expect_file(kind.name, row)
            plain = renamed(kind.model, row, self._names.find, frozenset(), JUDGES)
            values = {_attribute(kind.model, k): _value(kind.model, k, v) for k, v in plain.items()}
            if restricted:
                values["collection_id"] = self._private()
            unique = {name: values[name] for name in kind.unique or (kind.key,)}
            found, _ = kind.model._default_manager.update_or_create(**unique, defaults=values)
        except (FieldDoesNotExist, ValidationError, ValueError, TypeError, KeyError, AttributeError):
            raise RowDamaged(
                f'A row of "{kind.name}" does not fit this release: the archive was changed, or is of another release.'
            ) from None
        stamped = {
            f.attname: values[f.attname]
            for f in kind.model._meta.concrete_fields
            if _is_stamped(f) and f.attname in values
        }
        if stamped:
            kind.model._default_manager.filter(pk=found.pk).update(**stamped)
        if tags is not None:
            found.tags.set([str(tag) for tag in tags])

    def _private(self) -> int:
        """The collection of files that were not for everybody. Who may have them there nobody here knows: who can sign in may."""
        top = Collection.get_first_root_node()
        signed_in = CollectionViewRestriction.LOGIN
        found = top.get_children().filter(name=PRIVATE, view_restrictions__restriction_type=signed_in).first()
        if found is None:
            found = top.add_child(name=PRIVATE)
            CollectionViewRestriction.objects.create(collection=found, restriction_type=signed_in)
        return int(found.pk)

    def _expect_file(self, kind: str, row: Row) -> None:
        """A file's name must be one that this site could have given: what is below `files/` is served to readers."""
        name = str(archives.safe_path(str(row["file"])))
        if (
            not name.startswith(FOLDERS[kind])
            or attachments.kind_of(name) != kind.removesuffix("s")
            or name != row["file"]
        ):
            raise RowDamaged("A file of the archive has a name or a type that is not taken.", code="archive.file")
        self._files[name] = kind

    def _file(self, entry: archives.Entry) -> None:
        name = str(entry.path.relative_to("files"))
        kind = self._files.pop(name, "")
        if not kind:
            raise RowDamaged("A file of the archive belongs to nothing in it.", code="archive.file")
        if entry.size_bytes > FILE_MAX_BYTES:
            raise RowDamaged(
                f"A file of the archive is larger than {FILE_MAX_BYTES // 1024**2} MB.", code="archive.file"
            )
        storage = self._kinds[kind].model._meta.get_field("file").storage  # type: ignore[union-attr]
        with tempfile.TemporaryFile(dir=attachments.beside_the_data()) as held:
            shutil.copyfileobj(entry.file, held, archives.PART_BYTES)
            try:
                file = attachments.harmless(name, held)
            except FileRefused as error:
                raise RowDamaged(
                    f"The archive's file {name[-80:]} is not taken: {error.message}", code="archive.file"
                ) from None
            storage.delete(name)  # left by an import that was cut off: rows are rolled back, files are not
            storage.save(name, File(file))

    # -- Pages -----------------------------------------------------------------------------------------------------------
    def _shell(self, row: Row) -> None:
        """The page with its plain fields, so that every other page can refer to it."""
        model, (key, _, language) = self._model(row), str(row.get("name")).partition(":")
        if model is None:
            self._context.rejecting(
                0, f'this site has no pages of the kind "{str(row.get("model"))[:60]}"', str(row.get("name"))[:50]
            )
            return
        existing = self._home_for(row, key, language)
        if existing is not None:
            Page.objects.filter(pk=existing.pk).update(translation_key=key)
            return
        parent = Page.get_first_root_node() if row["parent"] is None else self._page(row["parent"])
        if parent is None:
            self._context.rejecting(0, "the page above it is not taken", str(row["name"])[:50])
            return
        try:
            plain = {k: _value(model, k, v) for k, v in row["data"].items() if k in _plain_fields(model)}
            page = model(**plain, translation_key=key, locale=Locale.objects.get(language_code=language))
            _quietly(page)
            parent.add_child(instance=page)
        except (FieldDoesNotExist, ValidationError, ValueError, TypeError, KeyError, Locale.DoesNotExist):
            raise _damaged() from None

    def _home_for(self, row: Row, key: str, language: str) -> Page | None:
        """The home page of this site that becomes the archive's."""
        if row.get("home"):
            self._home_key = key
            return self._root
        if row.get("parent") is None and key == self._home_key:
            return Page.objects.filter(depth=2, locale__language_code=language, pk__in=self._homes()).first()
        return None

    def _homes(self) -> list[int]:
        root = Page.objects.get(pk=self._root.pk)
        old = self._root.translation_key
        return list(
            Page.objects.filter(translation_key__in=[old, root.translation_key], depth=2).values_list("pk", flat=True)
        )

    def fill(self, rows: Iterable[Row]) -> None:
        """Everything the pages' rows say, now that every name can be found."""
        for row in swept(rows, every=PAGES_AT_ONCE):
            model, page = self._model(row), self._page(row.get("name"))
            if model is None or page is None:
                continue
            try:
                self._fill(model, page.specific, row)
                restrict(page, row["restrictions"], self._context)
            except (FieldDoesNotExist, ValidationError, ValueError, TypeError, KeyError, AttributeError):
                raise _damaged() from None

    def _fill(self, model: type[Page], stored: Page, row: Row) -> None:
        page = self._object(model, stored, row["data"])
        said = {name: getattr(page, name) for name in SAID}
        page.save(clean=False)
        revision = None
        if page.live:
            revision = Page.save_revision(page, changed=False, clean=False)
        for entry in row["revisions"]:
            draft = self._object(model, stored, entry["data"])
            at = parse_datetime(entry["approved_go_live_at"]) if entry["approved_go_live_at"] else None
            Page.save_revision(draft, changed=False, clean=False, approved_go_live_at=at)
        # Keeping a revision has said something else of the page.
        model._default_manager.filter(pk=stored.pk).update(live_revision=revision, **said)

    def _object(self, model: type[Page], stored: Page, data: Row) -> Any:
        """The page as ``data`` has it, at the place in the tree where it is stored."""
        plain = renamed(model, data, self._names.find, PAGE_LEAVES, JUDGES)
        page = model.from_serializable_data(_numbered(plain) | {"pk": stored.pk}, check_fks=False)
        for name in (
            "path",
            "depth",
            "numchild",
            "url_path",
            "content_type_id",
            "owner_id",
            "latest_revision_id",
            "live_revision_id",
        ):
            setattr(page, name, getattr(stored, name))
        _quietly(page)
        return page

    def _model(self, row: Row) -> type[Page] | None:
        try:
            found = apps.get_model(str(row.get("model")))
        except (LookupError, ValueError):
            return None
        return found if issubclass(found, Page) and found is not Page else None

    def _page(self, name: Any) -> Page | None:
        number = self._names.find(Page, name)
        return None if number is None else Page.objects.get(pk=number)

    def end(self) -> None:
        """A row whose file the archive does not have had none on the old site either."""
        for name in self._files:
            self._context.lost(0, "its file was not in the archive", name)


def _address(text: str) -> str:
    if text and not markup.may_be_linked(text):
        raise ValueError
    return text


JUDGES = Judges(markup.of_wagtail, _address)


def _quietly(page: Any) -> None:
    """What becomes public now was public before: nobody is told."""
    page.announcement_suppressed = True


def _damaged() -> RowDamaged:
    return RowDamaged(
        "A page of the archive does not fit this release: the archive was changed, or is of another release."
    )


def _plain_fields(model: type[Page]) -> set[str]:
    left = PAGE_LEAVES | {"translation_key", "locale"}
    judged = StreamField | RichTextField | models.URLField | AddressField
    return {f.name for f in model._meta.concrete_fields if not f.is_relation and not isinstance(f, judged)} - left


def _attribute(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    return str(getattr(field, "attname", name))


def _value(model: type[models.Model], name: str, value: Any) -> Any:
    field = model._meta.get_field(name)
    if field.is_relation or value is None:
        return value
    return field.to_python(value)  # type: ignore[union-attr]


def _is_stamped(field: Any) -> bool:
    return bool(getattr(field, "auto_now_add", False) or getattr(field, "auto_now", False))


def _numbered(row: Row) -> Row:
    """Rows of child tables with the key that modelcluster asks for."""
    return {
        k: [_numbered(c) | {"pk": None} for c in v] if isinstance(v, list) and v and isinstance(v[0], dict) else v
        for k, v in row.items()
    }
