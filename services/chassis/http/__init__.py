"""HTTP in: the application, who asks, idempotent commands, and problems for answers."""
