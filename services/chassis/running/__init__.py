"""One service as one process: settings, database, leadership, health, telemetry, start and stop."""
