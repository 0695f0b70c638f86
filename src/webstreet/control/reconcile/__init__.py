"""Makes wishes come true and keeps them true: observe -> plan -> apply, over and over.

Owns `plan` (pure: values in, values out) and `loop` (reads the wish, asks the orchestrator, carries out the plan).
Invariants: no Django here, the wish and the record are injected; level-triggered, so a pass may be repeated, skipped or killed at
any point; what runs without being wished for is reported and never removed; a site is removed only after its final backup was seen.
"""
