"""Registers of others, read into what the services record."""
