"""What Prometheus is told about a site at ``/-/metrics``: numbers about the machine's work, nothing about people.

The web process answers. What the worker does is read from the tables that both share, so one address shows the whole site; with several
web processes each shows its own requests, and the same state of the tables.
"""
