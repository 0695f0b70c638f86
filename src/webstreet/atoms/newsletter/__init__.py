"""The newsletter: who reads by mail, with which consent, and what was sent to whom.

Owns subscribers, lists, consent, sign-up, issues and the delivery ledger, all in the database alias ``newsletter`` when the atom is
sensitive here. Invariants: plain models without a key out of the atom; queue arguments, logs and admin messages carry ids only; the
ledger's states of an issue add up to its audience; nothing is mailed to an address that did not confirm, but for the one
confirmation mail a day; a GET changes nothing.
"""
