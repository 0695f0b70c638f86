"""PostgreSQL with a circuit breaker."""
