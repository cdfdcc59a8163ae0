"""The one kind of error that is shown to people as a sentence."""


class UserError(Exception):
    """Something the user gave cannot be used.

    The message is one sentence that names the file, key or argument and says what would be right. The front door
    prints it without a traceback and exits with code 2; anything else that is raised is our own fault and keeps its
    traceback.
    """
