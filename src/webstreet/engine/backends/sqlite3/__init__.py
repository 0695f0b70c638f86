"""SQLite with a circuit breaker."""
