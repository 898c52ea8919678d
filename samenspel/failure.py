"""How a command fails: with one sentence and exit code 1, no traceback."""


class CommandFailed(Exception):
    """The message is a sentence for the person at the terminal: what could not be done, and what to do about it."""
