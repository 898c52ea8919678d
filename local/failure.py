"""The stack's only failure that is not a bug: one sentence that says what is wrong and what to do."""

from samenspel.failure import CommandFailed


class StackError(CommandFailed):
    """Something outside keeps the stack from running; the message is for the person at the terminal."""
