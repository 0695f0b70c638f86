"""Runs django-migration-linter on the migrations of one program without adding the linter to its installed apps.

python lint_migrations.py webstreet.control|webstreet.engine
"""

from __future__ import annotations

import sys
from pathlib import Path

import django
from django.apps import apps
from django.db import connections, router
from django_migration_linter import MigrationLinter

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    django.setup()
    ours = [config.label for config in apps.get_app_configs() if Path(config.path).is_relative_to(ROOT / "src")]
    broken = False
    for alias in connections:
        labels = [label for label in ours if router.allow_migrate(alias, label)]
        # An app's first migration meets no running release. RunPython without a way back is accepted: data are restored from
        # the backup made before an update.
        linter = MigrationLinter(
            str(ROOT),
            include_apps=labels,
            database=alias,
            no_cache=True,
            ignore_initial_migrations=True,
            exclude_migration_tests=["RUNPYTHON_REVERSIBLE"],
        )
        linter.lint_all_migrations()
        linter.print_summary()
        broken = broken or linter.has_errors
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
