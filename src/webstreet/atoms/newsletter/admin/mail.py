"""The mail of an issue as readers get it: as a preview, and as a test to addresses of the editor's choice."""

from __future__ import annotations

import email
import email.policy
import re

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST
from wagtail.admin.auth import permission_required

from webstreet.atoms.newsletter import guard, letters, tasks
from webstreet.atoms.newsletter.admin.subscribers import crumbs
from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.notice import TestMail
from webstreet.engine.tasks import enqueue_on_commit
from webstreet.kernel.errors import BadInput, TooMany
from webstreet.mail.address import normal_address

WIDTHS = ("wide", "phone")
SCHEMES = ("light", "dark")
FORMATS = ("html", "text")
TESTS_AT_ONCE = 5
SAMPLE_ADDRESS = "reader@example.org"
_DARK = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)")
_POLICY = "sandbox; default-src 'none'; img-src * data:; style-src 'unsafe-inline'"


def _chosen(request: HttpRequest, name: str, values: tuple[str, ...]) -> str:
    given = request.GET.get(name, "")
    return given if given in values else values[0]


@permission_required("newsletter.view_issue")
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """The preview's page: format, width and scheme in its address."""
    issue = get_object_or_404(Issue, pk=pk)
    title = issue.subject or _("Issue %(id)s") % {"id": pk}
    content = letters.sample(issue, SAMPLE_ADDRESS, f"preview-{pk}")
    kept = {"as": _chosen(request, "as", FORMATS), "width": _chosen(request, "width", WIDTHS)}
    kept["scheme"] = _chosen(request, "scheme", SCHEMES)
    above = (reverse("newsletter_admin:issues"), _("Issues")), (reverse("newsletter_admin:issue", args=[pk]), title)
    context = {
        "header_title": _("Mail"),
        "header_icon": "mail",
        "breadcrumbs_items": crumbs(*above, ("", _("Mail"))),
        "issue": issue,
        "choices": [_choice(kept, *row) for row in _choices()],
        **kept,
        "format": kept["as"],
        "text": _part(content, "plain") if content else "",
        "size": len(content or b""),
        "too_long": len(content or b"") > letters.SIZE_MAX,
        "missing": content is None,
    }
    return TemplateResponse(request, "newsletter/admin/mail.html", context)


def _choices() -> list[tuple[str, str, list[tuple[str, str]]]]:
    return [
        ("as", _("Part"), [("html", _("HTML")), ("text", _("Text"))]),
        ("width", _("Width"), [("wide", _("Computer")), ("phone", _("Phone"))]),
        ("scheme", _("Colours"), [("light", _("Light")), ("dark", _("Dark"))]),
    ]


def _choice(
    kept: dict[str, str], name: str, label: str, values: list[tuple[str, str]]
) -> tuple[str, list[tuple[str, str, bool]]]:
    """Label of a choice, and for each value its label, the query that chooses it, and whether it is chosen."""
    found = []
    for value, shown in values:
        query = "&".join(f"{key}={value if key == name else kept[key]}" for key in kept)
        found.append((shown, f"?{query}", kept[name] == value))
    return label, found


@never_cache
@xframe_options_sameorigin
@permission_required("newsletter.view_issue")
def frame(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML part as it goes out, in a frame that may run nothing. A frame cannot be told to be dark, so its style sheet is."""
    issue = get_object_or_404(Issue, pk=pk)
    content = letters.sample(issue, SAMPLE_ADDRESS, f"preview-{pk}")
    html = _part(content, "html") if content else ""
    dark = _chosen(request, "scheme", SCHEMES) == "dark"
    html = _DARK.sub("@media all" if dark else "@media not all", html)
    response = HttpResponse(html or _("The article is not public, so there is nothing to show."))
    response["Content-Security-Policy"] = _POLICY
    return response


def _part(content: bytes, subtype: str) -> str:
    part = email.message_from_bytes(content, policy=email.policy.SMTP).get_body((subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


@permission_required("newsletter.change_issue")
@require_POST
def send_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the issue as it is now to some addresses; the ledger knows nothing of it."""
    issue = get_object_or_404(Issue, pk=pk)
    try:
        addresses = _addresses(request.POST.get("addresses", ""))
        guard.admit_tests(request.user.pk, addresses)
    except BadInput:
        messages.error(
            request,
            _("Give one to %(n)d addresses that mail can be sent to, with commas between them. Nothing was sent.")
            % {"n": TESTS_AT_ONCE},
        )
        return redirect("newsletter_admin:issue_mail", pk=pk)
    except TooMany as error:
        text = _(
            "Too many test mails were sent, by you or to one of these addresses. Nothing was sent; try again later."
        )
        messages.error(request, f"{text} ({error.error_code})")
        return redirect("newsletter_admin:issue_mail", pk=pk)
    with atomic():
        for address in addresses:
            made = TestMail.objects.create(issue=issue, email=address, asked_by=request.user.pk)
            enqueue_on_commit(tasks.send_test, made.pk, using=alias())
        Change.note(Change.Verb.TESTED, issue, by=request.user.pk)
    messages.success(
        request,
        ngettext("%(n)d test mail is on its way.", "%(n)d test mails are on their way.", len(addresses))
        % {"n": len(addresses)},
    )
    return redirect("newsletter_admin:issue_mail", pk=pk)


def _addresses(text: str) -> list[str]:
    found = list(dict.fromkeys(normal_address(part) for part in re.split(r"[,;\s]+", text[:2000].strip()) if part))
    if not 0 < len(found) <= TESTS_AT_ONCE:
        raise BadInput("One to five addresses.")
    return found
