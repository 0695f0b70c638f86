"""What must be there before anything runs: tables, the local cluster, the operator and its key. Repeatable."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from webstreet.control.clients.models import AccessKey, Member, Role
from webstreet.control.journal.models import note
from webstreet.control.places.models import make_local
from webstreet.control.state import write_private

OPERATOR = "operator"
BY = "control"


def migrate() -> bool:
    """Bring the tables up to date; whether there was something to do."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", verbosity=0, interactive=False)
    return True


def first_start() -> None:
    """Make what a control plane cannot be without; what is there stays as it is."""
    migrate()
    with transaction.atomic():
        make_local()
        operator()
        _operator_key()


def operator() -> object:
    """The user the first operator logs in as (by link: it has no password until somebody sets one)."""
    user, made = get_user_model().objects.get_or_create(
        username=OPERATOR, defaults={"is_staff": True, "is_superuser": True}
    )
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
        Member.objects.create(user=user, role=Role.OPERATOR)
        note(BY, "operator.made", object=OPERATOR)
    return user


def _operator_key() -> None:
    path = settings.STATE.operator_key
    known = AccessKey.find(path.read_text("utf-8").strip()) if path.exists() else None
    if known is None:
        key, text = AccessKey.make(label="operator.key", role=str(Role.OPERATOR), by=BY)
        write_private(path, text.reveal() + "\n")
        note(BY, "key.made", object=key.prefix, role=key.role)
