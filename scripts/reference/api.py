"""api.md and openapi.json, from the API itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

HEAD = """# API

REST under `/api/v1`; requests and answers are JSON. A running control plane shows this description as a page at `/api/v1/docs` and as
OpenAPI 3.1 at `/api/v1/openapi.json` (here: [openapi.json](openapi.json)).

- Say who you are: `Authorization: Bearer KEY`. The operator's first key is in `operator.key` in the control plane's folder.
- Lists are `{"items": [...], "total": n}` and take `?limit`, `&offset`, `&q` and `&sort`.
- Errors are problem documents (RFC 9457, `application/problem+json`) with the fields `type`, `title`, `status`, `detail`, `code`, and
  `problems` where a document has several. The codes are in [Errors](errors.md).
"""
MAKE = """
import django, json
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
from webstreet.control.api.root import api
print(json.dumps(api.get_openapi_schema(path_prefix="/api/v1"), default=str))
"""


def pages() -> dict[str, str]:
    schema = _schema()
    parts, tag = [HEAD], None
    rows = [
        ((operation.get("tags") or ["other"])[0], path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    for group, path, method, operation in sorted(rows, key=lambda row: (row[0], row[1])):
        if group != tag:
            parts.append(f"\n## {group.capitalize()}\n")
            tag = group
        parts.append(f"### `{method.upper()} {path}`\n\n{operation.get('summary', '')}\n")
        if operation.get("description"):
            parts.append(f"{operation['description']}\n")
        parts.append(_parameters(operation))
    text = "\n".join(part for part in parts if part).rstrip() + "\n"
    return {
        "reference/api.md": text,
        "reference/openapi.json": json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n",
    }


def _parameters(operation: dict[str, Any]) -> str:
    found = [p for p in operation.get("parameters", []) if p.get("in") == "query"]
    if not found:
        return ""
    rows = [
        f"| `{p['name']}` | {p.get('description') or p.get('schema', {}).get('description') or ''} |" for p in found
    ]
    return "| Query | Meaning |\n|---|---|\n" + "\n".join(rows) + "\n"


def _schema() -> dict[str, Any]:
    """In a process of its own: Django can be set up only once in one."""
    with tempfile.TemporaryDirectory() as state:
        variables = os.environ | {"DJANGO_SETTINGS_MODULE": "webstreet.control.settings", "WEBSTREET_STATE": state}
        done = subprocess.run([sys.executable, "-c", MAKE], env=variables, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)
