"""Errors that the build program foresees; anything else that is raised is a defect of ours."""


class BookError(Exception):
    """Something a reader of the message can put right; its text is the whole message, in the house style.

    ``what: where: found.`` on the first line, then indented lines with what is allowed and the next step.
    """


class RunFailed(BookError):  # noqa: N818 - the outcome of a run, named for what happened
    """Pages that could not be executed; every other page was, and is in the cache."""

    def __init__(self, message: str, failed: int) -> None:
        super().__init__(message)
        self.failed = failed


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 page``, ``2 pages``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
