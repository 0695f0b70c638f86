"""Owns clients, the people who act for them or for the hoster, and how they prove who they are.

Invariants: a key, a link and a password are stored only as hashes; every object that belongs to a client is read through
`access.Actor.sees`, the one client-scoped query.
"""
