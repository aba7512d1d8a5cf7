"""What can go wrong, by who can mend it."""

from __future__ import annotations


class MixwellError(Exception):
    """Any error of this package."""


class ConfigError(MixwellError, ValueError):
    """A setting, an argument, or what a density returned cannot be used. The message names it and says what can."""


class EvaluationError(MixwellError, RuntimeError):
    """The density raised an exception, which is the ``__cause__`` of this one and has its own traceback.

    With ``out``, a checkpoint was written from which :func:`mixwell.resume` goes on.
    """


class RunFolderError(MixwellError, OSError):
    """A file or folder of a run is missing, damaged, in use, or there already."""


class MixwellWarning(UserWarning):
    """Something about a run that should be known."""
