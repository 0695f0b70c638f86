"""Database backends for the aliases of sensitive atoms: Django's own, with a circuit breaker."""
