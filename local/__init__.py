"""The local stack without Docker: real Kafka, real PostgreSQL and the three services as plain processes."""

from contracts.topics import SERVICES
from local.failure import StackError
from local.stack import FOLDER, RealParts, Stack

__all__ = ["FOLDER", "SERVICES", "RealParts", "Stack", "StackError"]
