"""Owns sites: what is wanted (``wanted_*``) and what was seen (``seen_*``), their domains, residency, secrets and imports.

Invariants: ``wanted_generation`` grows by one with every change of the wish; a domain belongs to one open site at most; state is
derived, never stored; secrets are encrypted and never leave through a model's ``repr``, the API, the journal or a log.
"""
