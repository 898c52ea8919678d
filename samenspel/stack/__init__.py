"""The local stack without Docker: real Kafka, real PostgreSQL and the three services as plain processes."""

from samenspel.stack.failure import StackError
from samenspel.stack.real_parts import RealParts
from samenspel.stack.service import SERVICES
from samenspel.stack.stack import FOLDER, Stack

__all__ = ["FOLDER", "SERVICES", "RealParts", "Stack", "StackError"]
