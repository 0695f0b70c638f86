"""What every answer tells browsers not to do."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]
_EVERYWHERE = (
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'self'",
)
STRICT = "; ".join([*_EVERYWHERE, "img-src 'self' data:"])
"""For everything that readers see, and for the pages where passwords and factors are typed. No script or style inside a page."""
OF_ADMIN = "; ".join(
    [
        *_EVERYWHERE,
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        # An editor sees a picture before it is uploaded.
        "img-src 'self' data: blob:",
    ]
)
"""Wagtail's editor writes scripts and styles into its pages."""
OF_FILES = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For files that people uploaded: nothing in them acts in the site's name."""
OF_PDF = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
"""Browsers' readers of PDF do not work in a sandbox; they have one of their own."""
STRICT_IN_ADMIN = ("/admin/login/", "/admin/account/security/")
# Pictures, styles and fonts appear in feed readers and mails; pages belong to nobody else's page.
SHARED = ("/media/", "/static/", "/theme/")
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
        "microphone", "midi", "payment", "usb", "xr-spatial-tracking",
    )
)  # fmt: skip


def policy_for(path: str, content_type: str) -> str:
    """The Content-Security-Policy of an answer that brings none of its own."""
    if path.startswith("/admin/"):
        return STRICT if path.startswith(STRICT_IN_ADMIN) else OF_ADMIN
    if path.startswith("/documents/") and content_type != "text/html":
        return OF_PDF if content_type == "application/pdf" else OF_FILES
    return STRICT


class SecurityHeaders:
    """Comes before whatever answers by itself (static files), so that nothing leaves without them."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        path, content_type = request.path, response.get("Content-Type", "").partition(";")[0]
        if path.startswith("/documents/") and "text/html" not in content_type:
            # Wagtail's own lets a document's scripts and forms be.
            response.headers.pop("Content-Security-Policy", None)
        response.headers.setdefault("Content-Security-Policy", policy_for(path, content_type))
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault(
            "Cross-Origin-Resource-Policy", "cross-origin" if path.startswith(SHARED) else "same-origin"
        )
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response
