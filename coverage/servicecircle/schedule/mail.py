"""One e-mail to those whom `[schedule.mail]` names, by the standard library's SMTP."""

from __future__ import annotations

import os
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.scheduling import Mail

_WAIT_S = 20


class NoPasswordError(ValueError):
    """The environment variable that is to hold the password is not set, or empty."""


def send(mail: Mail, subject: str, body: str) -> Mapping[str, str]:
    """
    Send a text, and return the recipients that the server refused with its reasons, if others were taken.

    Parameters
    ----------
    subject
        One line; a line break in it, or in an address, is refused, so that no header can be slipped in.

    Raises
    ------
    OSError, ValueError
        The server does not answer, is not trusted, refuses the password or everybody, or a header is none.
        The text of what the server said is given by `why`.
    """
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=mail.sender.rpartition("@")[2].strip("<> ") or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    password = os.environ.get(mail.password_env, "")
    if mail.user and not password:
        raise NoPasswordError(mail.password_env)
    with _connected(mail) as server:
        if mail.user:
            server.login(mail.user, password)
        refused = server.send_message(message)
    return {address: _told(*answer) for address, answer in refused.items()}


def why(error: Exception) -> str:
    """Return what a server or the system said, on what could not be sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _told(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{address}: {_told(*answer)}" for address, answer in error.recipients.items())
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _connected(mail: Mail) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=_WAIT_S, context=context)
    server = smtplib.SMTP(mail.host, mail.port, timeout=_WAIT_S)
    if mail.security == "starttls":
        try:
            server.starttls(context=context)
        except (OSError, ValueError):
            server.close()
            raise
    return server


def _told(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {text}"
