"""Figures as pure functions of the facts: what each object contributes, the sums per cell, and their values."""
