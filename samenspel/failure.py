"""The one way in which a command says that it failed: a sentence, and exit code 1."""


class CommandFailed(Exception):
    """Something could not be done; the message is for the person at the terminal."""
