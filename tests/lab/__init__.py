"""Real servers, one module a server: `postgres`, `mariadb`, `redis`, `chromium`, `smtp_sink`; `faketime`, a clock that jumps;
`spamassassin` and `email_mime`, which read our mails.

Each is a context manager that starts the Debian binary in a temporary folder of its own, on a free port of the loopback, as an
unprivileged user when we are root, and leaves nothing behind: no process, no folder. What a contributor runs already is used
instead when ``LAB_POSTGRES_URL``, ``LAB_MARIADB_URL`` or ``LAB_REDIS_URL`` names it.
"""
