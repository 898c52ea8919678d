"""Figures: pure functions of the ledger, added up per cell, each with the things that it is about."""
