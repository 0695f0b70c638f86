"""Django's settings, made from site.yaml and the environment. A mistake in either raises a WebstreetError here, with its code."""

from __future__ import annotations

import os
import zoneinfo
from pathlib import Path
from urllib.parse import urlsplit

from webstreet import logins
from webstreet.contract.proxies import parse_networks
from webstreet.engine.databases import databases
from webstreet.engine.environment import allowed_hosts, load
from webstreet.engine.logs import logging_config
from webstreet.engine.release import release

ENGINE = Path(__file__).resolve().parent
_env = load(os.environ, release())
_https = _env.base_url.startswith("https:")

WEBSTREET_ENVIRONMENT = _env
WEBSTREET_SITE = _env.manifest
WEBSTREET_BASE_URL = _env.base_url
WEBSTREET_SENSITIVE = frozenset(_env.sensitive_atoms)
WEBSTREET_TRUSTED_PROXIES = parse_networks(_env.trusted_proxies)

DEBUG = False
SECRET_KEY = _env.secret_key
ALLOWED_HOSTS = allowed_hosts(_env.manifest, _env.base_url)
ROOT_URLCONF = "webstreet.engine.urls"
WSGI_APPLICATION = "webstreet.engine.wsgi.application"
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ATOMS = [_env.release.by_name[name] for name in _env.manifest.atoms]

INSTALLED_APPS = [
    "webstreet.engine",
    "webstreet.engine.theme",
    "webstreet.engine.accounts",
    *(atom.app for atom in SITE_ATOMS),
    "wagtail.contrib.redirects",
    "wagtail.contrib.simple_translation",
    "wagtail.contrib.settings",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    *logins.APPS,
    "modelcluster",
    "taggit",
    "django_filters",
    "django_tasks",
    "django_tasks_db",
    *(["django_rq"] if _env.redis_url else []),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "django.contrib.humanize",
]

MIDDLEWARE = [
    "webstreet.engine.middleware.TrustedProxies",
    "webstreet.engine.health.Health",
    "webstreet.engine.headers.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "webstreet.engine.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    logins.MIDDLEWARE,
    "webstreet.logins.middleware.FactorFirst",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "webstreet.engine.middleware.StoreDownPage",
    "webstreet.engine.middleware.KnownSite",
    "webstreet.engine.guessing.TooManyGuessesPage",
    "webstreet.engine.redirects.Redirects",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ENGINE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "webstreet.engine.context.site",
            ],
        },
    }
]

# -- Data ------------------------------------------------------------------------------------------------------------
DATABASES = databases(_env)
DATABASE_ROUTERS = ["webstreet.engine.routers.AtomRouter"]
CACHES = {
    "default": {
        "BACKEND": "webstreet.engine.caching.ForgivingRedisCache",
        "LOCATION": _env.redis_url,
        "KEY_PREFIX": str(_env.manifest.id),
        "TIMEOUT": 300,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    if _env.redis_url
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "TIMEOUT": 300, "OPTIONS": {"MAX_ENTRIES": 2000}}
}
MEDIA_ROOT = str(_env.files.get("default", _env.data_dir / "files"))
MEDIA_URL = "/media/"
STORAGES = {
    "default": {"BACKEND": "webstreet.engine.storages.SiteStorage"},
    "staticfiles": {"BACKEND": "webstreet.engine.storages.VersionedStatic"},
    **{
        atom: {"BACKEND": "webstreet.engine.storages.AtomStorage", "OPTIONS": {"atom": atom}}
        for atom in WEBSTREET_SENSITIVE
    },
}
FILE_UPLOAD_PERMISSIONS = 0o640
STATIC_URL = "/static/"
STATICFILES_DIRS: list[str] = []
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 86_400
# An upload never becomes a temporary file: it could hold what must stay in an atom's own store.
FILE_UPLOAD_HANDLERS = ["webstreet.engine.uploads.RoutedUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
DATA_UPLOAD_MAX_NUMBER_FILES = 50
# Of a whole request, before it is read; what one file may have is a setting of the site.
WEBSTREET_MAX_REQUEST_BYTES = 512 * 1024 * 1024

# -- Tasks -----------------------------------------------------------------------------------------------------------
# Sites may share a Redis, never a queue.
WEBSTREET_QUEUE_PREFIX = f"{_env.manifest.id}/" if _env.redis_url else ""
WORK_QUEUES = [
    f"{WEBSTREET_QUEUE_PREFIX}{kind}{atom}"
    for kind in ("interactive", "bulk")
    for atom in ("", *(f"-{a}" for a in _env.sensitive_atoms))
]
TASKS = {
    # Wagtail indexes for search through this one, and not on commit: it must run there and then.
    "default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"},
    "work": {
        "BACKEND": "django_tasks_rq.RQBackend" if _env.redis_url else "django_tasks_db.DatabaseBackend",
        "QUEUES": WORK_QUEUES,
    },
}
# Longer than a worker's blocking look into its queues; without them a frozen Redis would hold whoever asks it.
_redis_timeouts = ("&" if "?" in _env.redis_url else "?") + "socket_connect_timeout=1&socket_timeout=5"
RQ_QUEUES = (
    {name: {"URL": _env.redis_url + _redis_timeouts} for name in ["default", *WORK_QUEUES]} if _env.redis_url else {}
)

# -- People ----------------------------------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AUTHENTICATION_BACKENDS = ["webstreet.engine.guessing.PasswordBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "wagtailadmin_home"
LOGINS_PREFIX = "/admin/"
globals().update(logins.settings("webstreet.engine.accounts.adapters"))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Cookies know no ports: sites that share a host on this machine would log one another's editors out.
_of_site = f"{_env.manifest.client}.{_env.manifest.site}"
SESSION_COOKIE_NAME = "__Host-session" if _https else f"session.{_of_site}"
CSRF_COOKIE_NAME = "__Host-csrf" if _https else f"csrf.{_of_site}"
CSRF_FAILURE_VIEW = "webstreet.engine.errors.csrf_failure"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
CSRF_TRUSTED_ORIGINS = [f"https://{domain}" for domain in _env.manifest.domains] + [_env.base_url]

# -- Words -----------------------------------------------------------------------------------------------------------
_LANGUAGE_NAMES = {"en": "English", "fr": "Français"}
LANGUAGES = [(code, _LANGUAGE_NAMES[code]) for code in _env.manifest.languages]
LANGUAGE_CODE = _env.manifest.languages[0]
LOCALE_PATHS = [ENGINE / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"

# -- Mail ------------------------------------------------------------------------------------------------------------
EMAIL_BACKEND = "webstreet.engine.notices.Notices"
EMAIL_SERVERS = _env.mail
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = f"no-reply@{urlsplit(_env.base_url).hostname}"
ADMINS: list[tuple[str, str]] = []

# -- Wagtail ---------------------------------------------------------------------------------------------------------
WAGTAIL_SITE_NAME = _env.manifest.title
WAGTAILADMIN_BASE_URL = _env.base_url
WAGTAIL_I18N_ENABLED = len(LANGUAGES) > 1
WAGTAIL_CONTENT_LANGUAGES = LANGUAGES
WAGTAILADMIN_PERMITTED_LANGUAGES = list(_LANGUAGE_NAMES.items())
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
# What browsers know too; the system's "localtime" and the like would break the page of one's account.
WAGTAIL_USER_TIME_ZONES = sorted(name for name in zoneinfo.available_timezones() if "/" in name or name == "UTC")
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None
# One-time links do that job.
WAGTAIL_PASSWORD_RESET_ENABLED = False
WAGTAILADMIN_LOGIN_URL = "account_login"
WAGTAIL_FRONTEND_LOGIN_URL = "account_login"
WAGTAILADMIN_LOGIN_REDIRECT_URL = "wagtailadmin_home"
WAGTAIL_PASSWORD_REQUIRED_TEMPLATE = WAGTAILDOCS_PASSWORD_REQUIRED_TEMPLATE = "theme/password.html"  # noqa: S105 a file
WAGTAILDOCS_SERVE_METHOD = "serve_view"
WAGTAILEMBEDS_RESPONSIVE_HTML = True
# Each further frame of an uploaded animation costs memory; a decompression bomb costs all of it.
WAGTAILIMAGES_MAX_IMAGE_PIXELS = 64_000_000
WAGTAILIMAGES_IMAGE_FORM_BASE = "webstreet.engine.uploaded.forms.ImageForm"
WAGTAILDOCS_DOCUMENT_FORM_BASE = "webstreet.engine.uploaded.forms.DocumentForm"
TAGGIT_CASE_INSENSITIVE = True
# Addresses that can be typed and read aloud.
WAGTAIL_ALLOW_UNICODE_SLUGS = False
TAGGIT_STRIP_UNICODE_WHEN_SLUGIFYING = True

# -- Logs ------------------------------------------------------------------------------------------------------------
LOGGING_CONFIG = "webstreet.engine.logs.configure"
LOGGING = logging_config(os.environ.get("LOG_FORMAT", "plain"))
