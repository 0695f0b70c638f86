"""The words and looks of the console: one table each, so that a state is called and coloured the same everywhere."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

FIRST_STRONG, POP = "\u2068", "\u2069"


def apart(title: str) -> str:
    """A title within a sentence or beside other text: one from right to left keeps its order, and turns nothing else round."""
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in title):
        return f"{FIRST_STRONG}{title}{POP}"
    return title


@dataclass(frozen=True, slots=True)
class Look:
    tone: str
    icon: str


LOOKS = {
    "failing": Look("bad", "error"),
    "unknown": Look("warn", "help"),
    "opening": Look("busy", "progress_activity"),
    "updating": Look("busy", "sync"),
    "running": Look("good", "check_circle"),
    "suspending": Look("busy", "hourglass_top"),
    "suspended": Look("calm", "pause_circle"),
    "closing": Look("busy", "inventory_2"),
    "closed": Look("calm", "archive"),
}
IMPORT_LOOKS = {
    "waiting": Look("busy", "schedule"),
    "running": Look("busy", "sync"),
    "done": Look("good", "check_circle"),
    "failed": Look("bad", "error"),
}
STATES = {
    "failing": pgettext_lazy("state of a site", "Failing"),
    "unknown": pgettext_lazy("state of a site", "Unknown"),
    "opening": pgettext_lazy("state of a site", "Opening"),
    "updating": pgettext_lazy("state of a site", "Updating"),
    "running": pgettext_lazy("state of a site", "Running"),
    "suspending": pgettext_lazy("state of a site", "Suspending"),
    "suspended": pgettext_lazy("state of a site", "Suspended"),
    "closing": pgettext_lazy("state of a site", "Closing"),
    "closed": pgettext_lazy("state of a site", "Closed"),
}
IMPORT_STATES = {
    "waiting": pgettext_lazy("state of an import", "Waiting"),
    "running": pgettext_lazy("state of an import", "Running"),
    "done": pgettext_lazy("state of an import", "Done"),
    "failed": pgettext_lazy("state of an import", "Failed"),
}
SEEN = {
    "starting": pgettext_lazy("state of a site", "Starting"),
    "stopping": pgettext_lazy("state of a site", "Stopping"),
    "gone": pgettext_lazy("state of a site", "Gone"),
}
SENTENCES = {
    "failing": _("It does not work as wished, and needs somebody."),
    "unknown": _("Nobody has looked at it for two minutes: the control plane's loop does not run, or cannot see it."),
    "opening": _("Its processes are starting for the first time. This takes about a minute."),
    "updating": _("It serves, and is being brought to the latest wish."),
    "running": _("It serves, as wished."),
    "suspending": _("It is being stopped; then it answers 503."),
    "suspended": _("It answers 503 with Retry-After. Its data is kept."),
    "closing": _("It is stopped, then backed up, then removed."),
    "closed": _("It was removed; its final backup is kept."),
}
KINDS = {"atom": _("Atom"), "template": _("Template"), "site": _("Site")}
SCOPES = {"site": _("A site"), "control": _("The control plane"), "command-line": _("The command line")}
DIFFERS = {"generation": _("Generation"), "state": _("State")}
EVENTS = {
    "client.added": _("Client added"),
    "client.removed": _("Client removed"),
    "operator.made": _("First operator made"),
    "operator.logged_in": _("Operator logged in"),
    "operator.login_refused": _("Log-in refused"),
    "operator.login_limited": _("Log-in stopped: too many wrong codes"),
    "operator.factor_added": _("Second factor added"),
    "operator.factor_removed": _("Second factor removed"),
    "operator.factors_reset": _("Second factors removed by link"),
    "key.made": _("Access key made"),
    "key.revoked": _("Access key revoked"),
    "login_link.made": _("Console login link made"),
    "site.open_wanted": _("Opening asked for"),
    "site.suspend_wanted": _("Suspending asked for"),
    "site.resume_wanted": _("Resuming asked for"),
    "site.close_wanted": _("Closing asked for"),
    "site.seen": _("State changed"),
    "site.closed": _("Site closed"),
    "site.settings_changed": _("Settings changed"),
    "site.mail_changed": _("Mail server changed"),
    "site.factors_reset": _("Site login link made; the editor's second factors removed"),
    "site.customized": _("Site customized"),
    "site.customization_undone": _("Customization undone"),
    "site.login_link_made": _("Site login link made"),
    "site.exported": _("Site exported"),
    "import.asked": _("Import asked for"),
    "import.done": _("Import done"),
    "import.failed": _("Import failed"),
}
