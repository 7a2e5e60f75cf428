"""Faults that may pass by themselves, which are worth another try, told from those that must be mended."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, TypeVar

from servicecircle.errors import OutputError, ServiceCircleError

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

_CODES = {
    "postgis.no_server", "history.locked", "output.held", "output.busy", "fetch.busy", "fetch.unreachable",
}  # fmt: skip
"""A server that does not answer, a database or a file that another program holds."""

_NUMBERS = {
    errno.EAGAIN, errno.EINTR, errno.EBUSY, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENFILE,
    errno.EMFILE, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENETDOWN, errno.ENETUNREACH,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED,
    errno.EPIPE,
}  # fmt: skip
"""A busy or full disk, a shared folder or a network that is away for a moment."""

_FULL = ("disk is full", "IO_ENOSPC", "IO_EDQUOT", "IO_EFBIG")
"""So SQLite says it, in a GeoPackage too, and lxml in a workbook, without the system's number."""


def passing(error: BaseException) -> bool:
    """Tell whether a fault may pass: by its code, or by the system's number of it or of its cause."""
    if isinstance(error, ServiceCircleError) and error.code in _CODES:
        return True
    chain = [error, error.__cause__]
    return any(
        (isinstance(one, OSError) and one.errno in _NUMBERS) or any(sign in str(one) for sign in _FULL)
        for one in chain
    )


def try_again(
    action: Callable[[], Result],
    *,
    tries: int,
    wait_s: float,
    wait: Callable[[float], None],
    on_fault: Callable[[Exception, float], None],
) -> Result:
    """
    Return what an action gives, tried again after a passing fault.

    Parameters
    ----------
    tries
        Further tries after the first.
    wait_s
        Seconds before the first of them; doubled for each one after.
    wait
        Waits some seconds.
    on_fault
        Told of each fault, and of the seconds until the next try.
    """
    for number in range(tries):
        try:
            return action()
        except Exception as error:
            if not passing(error):
                raise
            pause_s = wait_s * 2**number
            on_fault(error, pause_s)
            wait(pause_s)
    return action()


def said_by(error: Exception) -> dict[str, str]:
    """Return what a fault says, by language."""
    if isinstance(error, ServiceCircleError):
        return {"zh": error.text("zh"), "en": error.text("en")}
    return dict.fromkeys(("zh", "en"), " ".join(f"{type(error).__name__}: {error}".split())[:500])


def as_ours(error: Exception) -> Exception:
    """Return a system's refusal as an error that a user can mend; others as they are."""
    if isinstance(error, ServiceCircleError) or not passing(error):
        return error
    return OutputError("schedule.system", why=getattr(error, "strerror", None) or str(error))
