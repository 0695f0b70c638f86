"""The site's addresses: the admin's, then those of `engine.public_urls`, with Wagtail's pages last.

A parameter named ``token`` is a secret: it is masked in every log.
"""

from __future__ import annotations

from django.urls import include, path
from wagtail.admin import urls as wagtailadmin_urls

from webstreet.engine import logs, public_urls
from webstreet.engine.accounts.views import to_sign_in

urlpatterns = [
    path("admin/", include("webstreet.engine.accounts.urls")),
    # Wagtail's own page for readers' passwords knows no second factor.
    path("_util/login/", to_sign_in, name="wagtailcore_login"),
    path("admin/", include(wagtailadmin_urls)),
    *public_urls.urlpatterns,
]

logs.keep_secret(public_urls.routes(urlpatterns))

handler400 = "webstreet.engine.errors.bad_request"
handler403 = "webstreet.engine.errors.permission_denied"
handler404 = "webstreet.engine.errors.page_not_found"
handler500 = "webstreet.engine.errors.server_error"
