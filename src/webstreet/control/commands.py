"""What each command of ``python -m webstreet.control`` does."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable

from django.conf import settings

from webstreet.control.state import State
from webstreet.kernel.clock import SystemClock

BY = "operator at the machine"


def _run(chosen: Namespace) -> int:
    from webstreet.control.run import run

    return run(chosen.host, chosen.port)


def _migrate(_chosen: Namespace) -> int:
    from webstreet.control.start import first_start

    first_start()
    print(f"Up to date. The operator's key is in {settings.STATE.operator_key}.")
    return 0


def _halt(_chosen: Namespace) -> int:
    from webstreet.control.halt import halt

    stopped = halt()
    print(f"Stopped {stopped} site{'' if stopped == 1 else 's'}; their data is kept. The next run starts them again.")
    return 0


def _login_link(chosen: Namespace) -> int:
    from webstreet.control.clients.actions import make_login_link
    from webstreet.control.start import first_start

    first_start()
    _link, text = make_login_link(by=BY, next=chosen.next, reset=chosen.reset_second_factor)
    base = address(settings.STATE)
    print(f"{base}/console/link/{text.reveal()}/")
    return 0


def _key(chosen: Namespace) -> int:
    from webstreet.control.clients.actions import make_key

    _key_row, text = make_key(role=chosen.role, client=chosen.client, label=chosen.label or chosen.role, by=BY)
    print(text.reveal())
    return 0


def _backup(chosen: Namespace) -> int:
    from webstreet.control.orchestrators.base import Backup
    from webstreet.control.places.models import Cluster
    from webstreet.control.places.orchestrators import of_kind
    from webstreet.kernel.ids import SiteId

    site = SiteId.parse(chosen.site)
    orchestrator = of_kind(str(Cluster.Kind.PROCESSES))
    orchestrator.apply(Backup(site, f"by-hand-{SystemClock().now():%Y%m%d-%H%M%S}"))
    print(orchestrator.observe()[site].backup)
    return 0


def _rotate(_chosen: Namespace) -> int:
    from webstreet.control.sites.models import SiteSecret, vault

    vault().add_key()
    count = SiteSecret.renew_all()
    vault().drop_old_keys()
    print(f"{count} secrets are encrypted with a new key.")
    return 0


def _manage(chosen: Namespace) -> int:
    from django.core.management import execute_from_command_line

    execute_from_command_line(["webstreet-control manage", *chosen.arguments])
    return 0


def address(state: State) -> str:
    """Where the running control plane answers; the default address if none runs."""
    try:
        return str(json.loads(state.address.read_text("utf-8"))["url"])
    except (FileNotFoundError, ValueError, KeyError):
        return "http://127.0.0.1:8000"


RUN: dict[str, Callable[[Namespace], int]] = {
    "run": _run,
    "migrate": _migrate,
    "halt": _halt,
    "login-link": _login_link,
    "key": _key,
    "backup": _backup,
    "rotate-secrets": _rotate,
    "manage": _manage,
}
