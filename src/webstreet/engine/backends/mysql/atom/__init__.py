"""MariaDB and MySQL with a circuit breaker."""
