"""REST under /api/v1: one module a resource. It parses, checks who asks, calls the same actions as the console, and shows the result.

Invariants: every error is a problem document (RFC 9457); every object is read through `clients.access.Actor.sees`; no answer holds
a secret except the one that makes it.
"""
