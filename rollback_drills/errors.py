"""What can go wrong, by what the caller can do about it."""


class DrillsError(Exception):
    """Base of every error this program raises on purpose."""


class UsageError(DrillsError):
    """The caller passed something unusable: a flag, a variable, a policy or connector file.

    The message is one line that names the place, the value and the remedy. Exit code 2.
    """
