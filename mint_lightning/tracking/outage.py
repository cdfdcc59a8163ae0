"""Which errors of a tracking store mean that it is out of reach for now, and which that a call was wrong."""

import errno
from collections.abc import Iterator

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.ESTALE}
# Libraries of artifact stores (S3, Azure, Google): what they raise beyond OSError is about their service.
SERVICES = {"azure", "boto3", "botocore", "google", "urllib3"}


def outage(error: BaseException) -> str | None:
    """Why a store is out of reach, in a few words: no answer, a server's own failure (HTTP 5xx), a database that is
    locked, a full disk. None where the call itself was wrong or is not allowed (HTTP 4xx)."""
    for each in _chain(error):
        found = _reason(each)
        if found is not None:
            return found or None
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what is behind it: MLflow raises its own in place of those of requests and SQLAlchemy."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _reason(error: BaseException) -> str | None:
    """Why, an empty text where this error settles that it is no outage, None where it says nothing."""
    import requests
    from sqlalchemy.exc import InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    if isinstance(error, requests.HTTPError):
        code = error.response.status_code if error.response is not None else 500
        return f"HTTP {code}" if code >= 500 else ""
    if isinstance(error, requests.exceptions.SSLError):
        return ""  # a certificate that is not trusted will not be tomorrow
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.RetryError):
        return "it fails again and again"
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return "no connection"
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeout)):
        return _first_line(error)
    if isinstance(error, (ConnectionError, TimeoutError)):
        return error.strerror or "no connection"
    if isinstance(error, OSError) and error.errno in FULL:
        return error.strerror or "cannot be written"
    return _first_line(error) if type(error).__module__.partition(".")[0] in SERVICES else None


def _first_line(error: BaseException) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
