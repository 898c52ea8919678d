"""The service `reporting`: facts from every topic, figures computed from them, and each figure's explanation.

A figure is a pure function of the facts below a cut and a definition version: so what is rebuilt from the
topics equals what was published.
"""
