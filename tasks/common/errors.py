"""The one exception a user is meant to read."""


class InputError(Exception):
    """Something given from outside (a file, a parameter, an option) cannot be used.

    The message says which file, record position and column, and how to mend it. It never holds a patient's values.
    """
