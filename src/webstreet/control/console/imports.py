"""What can be done to an import that has not ended."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from webstreet.control.console.errors import said
from webstreet.control.console.pages import who
from webstreet.control.sites import uploads
from webstreet.control.sites.imports import Import
from webstreet.kernel.errors import WebstreetError


def cancel(request: HttpRequest, pk: int, number: uuid.UUID) -> HttpResponse:
    """Ask for its end, and go back to the site's page."""
    if request.method == "POST":
        try:
            uploads.cancel(get_object_or_404(Import, pk=number, site=pk), by=who(request))
            messages.success(request, _("The import is being cancelled. What it had finished stays."))
        except WebstreetError as error:
            messages.error(request, said(error))
    return redirect("console:sites_site_change", pk)
