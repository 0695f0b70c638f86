"""Django settings of the control plane. Everything comes from the state folder and a few environment variables.

WEBSTREET_STATE  the state folder (see `state`).
DATABASE_URL     PostgreSQL; unset: SQLite in the state folder.
WEBSTREET_HOSTS  comma-separated host names under which the control plane is reached over TLS, besides this machine's loopback.
WEBSTREET_TRUSTED_PROXIES  networks of the proxies in front of it and of the sites; only their X-Forwarded-* are believed.
WEBSTREET_SITES_BASE_URL   where readers reach a site with a domain, as in https://{domain}; unset: the local address.
WEBSTREET_SITE_EMAIL_URL   mail server of the sites that name none of their own; with a password rather as WEBSTREET_SITE_EMAIL_URL_FILE.
WEBSTREET_SITE_REDIS_URL   Redis of all sites, WEBSTREET_SITE_METRICS_TOKEN  token for the metrics of all sites; each rather as ..._FILE.
WEBSTREET_SECOND_FACTOR    "required": operators need a second factor to work in the console; unset or "optional": each decides.
WEBSTREET_MAX_IMPORT_MB    the largest import. WEBSTREET_MAX_IMPORT_MINUTES  the longest.
WEBSTREET_IMPORTS_AT_ONCE  how many imports run at once, of one client one.
WEBSTREET_MAX_FETCH_FILES, WEBSTREET_MAX_FETCH_MB, WEBSTREET_MAX_FETCH_MINUTES  what one import may fetch from the old site.
"""

from __future__ import annotations

import os
from typing import Any

import dj_database_url

from webstreet import logins
from webstreet.contract.environment import DATABASE_URL, METRICS_TOKEN, REDIS_URL, read
from webstreet.contract.proxies import parse_networks
from webstreet.control import proxies
from webstreet.control.console.config import UNFOLD  # noqa: F401 unfold reads it here
from webstreet.control.logging_in import second_factor_required
from webstreet.control.sites.front import VARIABLE as SITES_BASE_URL_VARIABLE
from webstreet.control.sites.front import check_pattern
from webstreet.control.sites.store_urls import (
    REDIS_VARIABLE,
    TOKEN_VARIABLE,
    default_email_url,
    metrics_token,
    redis_url,
)
from webstreet.control.sites.store_urls import VARIABLE as SITE_EMAIL_URL_VARIABLE
from webstreet.control.state import State

STATE = State.of(os.environ).prepare()
SECRET_KEY = STATE.django_key()
DEBUG = False
EXTRA_HOSTS = [host.strip() for host in os.environ.get("WEBSTREET_HOSTS", "").split(",") if host.strip()]
TRUSTED_PROXIES_TEXT = os.environ.get(proxies.VARIABLE, "").strip()
TRUSTED_PROXIES = parse_networks(TRUSTED_PROXIES_TEXT, variable=proxies.VARIABLE)
SITES_BASE_URL = check_pattern(os.environ.get(SITES_BASE_URL_VARIABLE, "").strip())
SITE_EMAIL_URL = default_email_url(read(os.environ, SITE_EMAIL_URL_VARIABLE))
SITE_SECRETS = {
    REDIS_URL: redis_url(read(os.environ, REDIS_VARIABLE)),
    METRICS_TOKEN: metrics_token(read(os.environ, TOKEN_VARIABLE)),
}
"""What this installation gives to every site; empty ones are not given."""
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *EXTRA_HOSTS]

INSTALLED_APPS = [
    "webstreet.control.console",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "ninja",
    *logins.APPS,
    "webstreet.control.clients",
    "webstreet.control.places",
    "webstreet.control.catalogue",
    "webstreet.control.sites",
    "webstreet.control.journal",
]
MIDDLEWARE = [
    "webstreet.control.middleware.Proxies",
    "webstreet.control.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "webstreet.control.middleware.ApiProblems",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    logins.MIDDLEWARE,
    "webstreet.logins.middleware.FactorFirst",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "webstreet.control.urls"
WSGI_APPLICATION = "webstreet.control.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _database() -> dict[str, Any]:
    url = read(os.environ, DATABASE_URL)
    if url:
        return dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": STATE.database,
        "OPTIONS": {
            # IMMEDIATE: a transaction that will write says so at its start, so that two of them wait instead of failing.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [os.path.join(os.path.dirname(__file__), "locale")]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "console:index"
LOGOUT_REDIRECT_URL = "account_login"
LOGINS_PREFIX = "/console/"
AUTHENTICATION_BACKENDS = ["webstreet.control.console.password.PasswordBackend"]
globals().update(logins.settings("webstreet.control.console.factors"))
SECOND_FACTOR_REQUIRED = second_factor_required(os.environ)
SESSION_COOKIE_NAME = "webstreet_session"
CSRF_COOKIE_NAME = "webstreet_csrf"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Sent over TLS only, which only a trusted proxy can claim.
SECURE_HSTS_SECONDS = 31_536_000
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # middleware.Proxies removes a stranger's
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in EXTRA_HOSTS]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
MAX_IMPORT_BYTES = int(os.environ.get("WEBSTREET_MAX_IMPORT_MB", "4096")) * 1024 * 1024
IMPORTS_AT_ONCE = int(os.environ.get("WEBSTREET_IMPORTS_AT_ONCE", "4"))
MAX_FETCH_FILES = int(os.environ.get("WEBSTREET_MAX_FETCH_FILES", "5000"))
MAX_FETCH_MB = int(os.environ.get("WEBSTREET_MAX_FETCH_MB", "2048"))
MAX_FETCH_MINUTES = int(os.environ.get("WEBSTREET_MAX_FETCH_MINUTES", "30"))
MAX_IMPORT_S = float(os.environ.get("WEBSTREET_MAX_IMPORT_MINUTES", "120")) * 60

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "webstreet.control.logs.Masked", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.request": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        "httpx": {"level": "WARNING"},
    },
}
