"""Kafka: journal and outbox, the relay, the inbox, dead letters, and readers of whole topics."""
