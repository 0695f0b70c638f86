"""Where readers send the password of a page or of a collection of documents: Wagtail's own views, with a limit."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from wagtail.documents.views.serve import authenticate_with_password as of_document
from wagtail.views import authenticate_with_password as of_page

from webstreet.engine.errors import too_many_shared
from webstreet.engine.guessing import TooManyGuesses, count_shared, refuse_shared

View = Callable[..., HttpResponse]


def against_guessing(view: View) -> View:
    """429 when too many passwords from this network were wrong, before another is looked at, be it the right one."""

    @never_cache
    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        try:
            refuse_shared(request)
        except TooManyGuesses as refused:
            return too_many_shared(request, refused.retry_after_s)
        response = view(request, *args, **kwargs)
        # The right one leads on; whatever asks again was wrong.
        if response.status_code == 200:
            count_shared(request)
        return response

    return wrapped


of_pages = [
    path(
        "_util/authenticate_with_password/<int:page_view_restriction_id>/<int:page_id>/",
        against_guessing(of_page),
        name="wagtailcore_authenticate_with_password",
    ),
]
of_documents = [
    path(
        "documents/authenticate_with_password/<int:restriction_id>/",
        against_guessing(of_document),
        name="wagtaildocs_authenticate_with_password",
    ),
]
