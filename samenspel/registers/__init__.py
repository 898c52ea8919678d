"""Readers of official registers: from their files to what the services record."""
