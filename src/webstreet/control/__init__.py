"""The control plane: decides where sites run and which release they run. It never serves a client's visitors.

Invariants: never imports engine or atoms (it knows them through ``contract``); a stopped control plane never takes a site down;
``wanted_*`` is what people asked for, ``seen_*`` is what was observed, and status is derived from the two.
"""
