"""The port to whatever runs sites (`base`) and its adapters. Each adapter passes tests/conformance/orchestrator.py.

Invariants: no Django here; adapters decide nothing, they carry out steps and say what they see; every step can be repeated.
"""
