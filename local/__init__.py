"""The local stack without Docker: real Kafka, real PostgreSQL and the three services as plain processes."""

from local.failure import StackError
from local.real_parts import RealParts
from local.service import SERVICES
from local.stack import FOLDER, Stack

__all__ = ["FOLDER", "SERVICES", "RealParts", "Stack", "StackError"]
