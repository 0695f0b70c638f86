"""hooks.md, from the closed table of hooks."""

from __future__ import annotations

from webstreet.engine.hooks import HOOKS

HEAD = """# Hooks

Atoms never import each other. They meet here: one offers a hook by calling it, others take part by registering a function. The table is
closed: a name that is not in it is a mistake and raises `hook.unknown`.

```python
from webstreet.engine import hooks


@hooks.register("menu_items")
def menu(request):
    return [("Archive", "/archive/")]
```
"""


def pages() -> dict[str, str]:
    entries = [
        f"## `{name}`\n\n```python\n{name}{hook.signature}\n```\n\n{hook.doc}" for name, hook in sorted(HOOKS.items())
    ]
    return {"reference/hooks.md": HEAD + "\n" + "\n\n".join(entries) + "\n"}
