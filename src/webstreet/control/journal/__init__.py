"""Owns the journal: who did what to what, and when.

Invariants: append-only (rows can be neither changed nor deleted through the models); no secret and no personal data in a row;
written in the transaction of what it tells.
"""
