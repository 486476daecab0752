"""What is wrong with the format of a database."""


class FormatProblem(Exception):  # noqa: N818 - connections turn it into an error that names the database
    """This program cannot use a database as it is; the text says what to do."""
