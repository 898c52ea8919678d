"""What `requests` decides. Pure."""
