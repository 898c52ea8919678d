"""The one way in which the local stack says no: a sentence that tells what is wrong and what to do."""

from samenspel.failure import CommandFailed


class StackError(CommandFailed):
    """Something outside keeps the stack from running; the message is for the person at the terminal."""
