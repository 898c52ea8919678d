"""The service `requests`: sites and their groups, and what coordinators ask, from the question to its end."""
