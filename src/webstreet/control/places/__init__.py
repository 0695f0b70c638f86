"""Owns where sites can run: zones, clusters, nodes. This release knows one local cluster, made at the first start."""
