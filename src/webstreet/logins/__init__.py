"""Second factors and passkeys, as Webstreet uses django-allauth: one library, a Django app without tables, for the sites' admins and the
console.

What differs between the two is in their own adapters and frames: each program gives ``logins/entrance.html`` and
``logins/manage.html``, says who may manage their factors, and counts wrong codes where its other counts are. Only the addresses of `urls`
exist: no sign-up, no log-in by mail, no reset of a password.
"""

from __future__ import annotations

from typing import Any

APPS = ("webstreet.logins", "allauth", "allauth.account", "allauth.mfa")
MIDDLEWARE = "allauth.account.middleware.AccountMiddleware"


def settings(package: str) -> dict[str, Any]:
    """allauth's settings for the program whose module ``package`` has `AccountAdapter` and `MfaAdapter`."""
    forms = "webstreet.logins.forms."
    return {
        "ACCOUNT_ADAPTER": f"{package}.AccountAdapter",
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "ACCOUNT_FORMS": {"reauthenticate": f"{forms}PasswordAgain"},
        # Counted by our adapters instead: allauth counts in the cache, which processes need not share and which may be away.
        "ACCOUNT_RATE_LIMITS": False,
        "MFA_RATE_LIMITS": False,
        "MFA_ADAPTER": f"{package}.MfaAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        # The clocks of telephones: the code before and the one after are taken too.
        "MFA_TOTP_TOLERANCE": 1,
        "MFA_FORMS": {
            "authenticate": f"{forms}Code",
            "reauthenticate": f"{forms}CodeAgain",
            "authenticate_webauthn": f"{forms}Key",
            "reauthenticate_webauthn": f"{forms}KeyAgain",
            "login_webauthn": f"{forms}Passkey",
            "add_webauthn": f"{forms}NewKey",
            "activate_totp": f"{forms}NewApp",
        },
    }
