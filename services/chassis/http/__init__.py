"""HTTP: the application, the caller, idempotent commands, and errors as problems."""
