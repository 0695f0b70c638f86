"""Database backends, Django's own underneath: what makes MariaDB and MySQL behave as the others do, and a circuit breaker for the
aliases of sensitive atoms.
"""
