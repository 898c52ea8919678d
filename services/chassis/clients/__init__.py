"""Clients: external systems that give commands over Kafka, the other door of the services' commands."""
