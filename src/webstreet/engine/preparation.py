"""What ``prepare`` does: migrate every alias, set up Wagtail's site, call the atoms for starter content.

Every step can be repeated and can be killed: a step's digest is noted only when all of it is done.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connections, transaction

from webstreet import __version__
from webstreet.contract.template import TemplateManifest, shipped_templates
from webstreet.engine import hooks, pagecache, prototypes, resuming, site
from webstreet.engine.backends.breaker import StoreDown
from webstreet.engine.prepared import Prepared
from webstreet.engine.routers import home
from webstreet.engine.tasks import every

logger = logging.getLogger(__name__)
Report = Callable[[str, int, int], None]
WAITING = "waiting for atoms"


def prepare(report: Report) -> list[str]:
    """Do what is not yet done.

    Args:
        report: told step, done and total as it goes.

    Returns:
        The atoms whose own database did not answer. The rest of the site is complete without them; the worker repeats this
        until they are back.
    """
    settings.WEBSTREET_ENVIRONMENT.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    away = migrate_all(report)
    away |= _starter_content(report)
    if away:
        _note(WAITING, _digest(sorted(away)))
    else:
        Prepared.objects.filter(step=WAITING).delete()
    report("ready", 1, 1)
    return sorted(away)


def migrate_all(report: Report, *, from_prototype: bool = True) -> set[str]:
    """Every alias has its tables, and ``default`` its content types and permissions; the aliases that did not answer.

    Args:
        from_prototype: start absent SQLite files as copies of migrated ones where there are any.
    """
    absent = [alias for alias in connections if prototypes.is_absent(alias)]
    copied = {alias for alias in absent if from_prototype and prototypes.use(alias)}
    changed, away = False, set()
    # Atoms first: where one shares the database of default, what it needs must not look done already.
    for alias in reversed(list(connections)):
        try:
            changed |= migrate(alias, report)
        except StoreDown as error:
            away.add(error.alias)
    _content_types(changed, report)
    for alias in set(absent) - copied - away if from_prototype else ():
        prototypes.keep(alias)
    return away


def migrate(alias: str, report: Report) -> bool:
    """Apply the migrations of the apps whose home is ``alias``, and of those only; whether there was any.

    Not Django's command: that would note an atom's migrations as done in a database that does not hold its tables.
    """
    executor = resuming.executor(alias)
    executor.loader.check_consistent_history(connections[alias])
    targets = [leaf for leaf in executor.loader.graph.leaf_nodes() if home(leaf[0]) == alias]
    plan = executor.migration_plan(targets)
    if not plan:
        return False
    done = 0

    def progress(action: str, migration: object = None, fake: bool = False) -> None:
        nonlocal done
        if action == "apply_success":
            done += 1
            report(f"migrate {alias}", done, len(plan))

    executor.progress_callback = progress
    if alias == "default":
        emit_pre_migrate_signal(0, False, alias, plan=plan)
    executor.migrate(targets, plan, state=executor._create_project_state(with_applied_migrations=True))
    return True


def _content_types(changed: bool, report: Report) -> None:
    """What Django does after migrating: content types, permissions, Wagtail's defaults. Only in ``default``."""
    digest = _digest([__version__, *sorted(app.label for app in apps.get_app_configs())])
    if not changed and _is_done("content types", digest):
        return
    emit_post_migrate_signal(0, False, "default")
    _note("content types", digest)
    report("content types", 1, 1)


def _starter_content(report: Report) -> set[str]:
    """Ask every atom for what a new site starts with; the atoms whose database did not answer."""
    manifest = site.current()
    digest = _digest([__version__, settings.WEBSTREET_ENVIRONMENT.manifest_digest, site.base_url()])
    if _is_done("starter content", digest):
        return set()
    template: TemplateManifest | None = shipped_templates().get(manifest.template)
    away = set()
    with transaction.atomic():
        _wagtail_site()
    for receiver in hooks.receivers("starter_content"):
        try:
            with transaction.atomic():
                receiver(manifest, template)
        except StoreDown as error:
            away.add(error.alias)
    if not away:
        _note("starter content", digest)
    pagecache.expire()
    report("starter content", 1, 1)
    return away


@every(30)
def finish() -> None:
    """When an atom's database was away while the site was prepared: try again."""
    if Prepared.objects.filter(step=WAITING).exists() and not prepare(lambda step, done, total: None):
        logger.info("prepare.finished_late")


def _wagtail_site() -> None:
    from wagtail.models import Locale

    for code, _ in settings.LANGUAGES:
        Locale.objects.get_or_create(language_code=code)
    parts = urlsplit(settings.WEBSTREET_BASE_URL)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = site.wagtail_site()
    if found is not None:
        found.hostname, found.port, found.site_name = parts.hostname or "localhost", port, settings.WAGTAIL_SITE_NAME
        found.save()


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _is_done(step: str, digest: str) -> bool:
    return Prepared.objects.filter(step=step, digest=digest).exists()


def _note(step: str, digest: str) -> None:
    Prepared.objects.update_or_create(step=step, defaults={"digest": digest})
