"""The errors that the library raises: each message says what, where, what was found, what is allowed, what to do."""


class WatWerktError(Exception):
    """Base of all errors that a reader, author or researcher can cause and mend."""


class PublishedDataError(WatWerktError):
    """A file of published data does not keep the contract."""


class CodeError(WatWerktError):
    """A code that no code list knows."""


class AuditError(WatWerktError):
    """An audit rule that cannot be applied: a misspelt key, or cells that do not exist."""


class MicrodataError(WatWerktError):
    """A file of microdata that does not fit its schema."""


class EstimationError(WatWerktError):
    """Data from which an estimator cannot give an honest answer."""


class DisclosureError(WatWerktError):
    """An output that could say something of one person."""
