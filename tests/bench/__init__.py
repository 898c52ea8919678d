"""Benchmarks: our code beside the limit, measured in the same run. Reported, never asserted. `make bench`."""
