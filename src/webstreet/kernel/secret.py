"""A value that must not be seen: it redacts itself wherever it could be printed."""

from __future__ import annotations

import hmac

REDACTED = "********"


class Secret:
    """Wraps a string. ``repr``, ``str``, f-strings and JSON by ``default=str`` show stars; `reveal` gives the value.

    Comparison takes constant time. Pickling is refused: a secret in a queue or a cache is a leak.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({REDACTED!r})"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return format(REDACTED, spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret cannot be pickled")
