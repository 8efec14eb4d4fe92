"""The one error that carries a sentence for the user."""


class InputError(ValueError):
    """Something that the user gave is wrong.

    The message is shown as it is, on the screen and on the command line: one sentence that says what is wrong,
    where, and how to mend it.
    """
