"""Kafka: journal and outbox, relay, inbox, dead letters, and readers of whole topics."""
