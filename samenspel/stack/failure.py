"""The one way in which the local stack says no: a sentence that tells what is wrong and what to do."""


class StackError(Exception):
    """Something outside keeps the stack from running; the message is for the person at the terminal."""
