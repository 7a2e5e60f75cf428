"""When a study is run by itself, what is published, what holds it back: `[schedule]` of the study file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drift(_Table):
    """
    `[schedule.drift]`: how far a run may be from the last good one before it is held back.

    Parameters
    ----------
    rows, people, street_km, kinds
        Relative change of the rows of any table, of all people, of the streets, of the facilities of a kind.
    share
        Change of a headline of the whole; of a township it may be twice as large.
    """

    rows: Share = 0.2
    people: Share = 0.05
    street_km: Share = 0.1
    kinds: Share = 0.3
    share: Share = 0.1


class Mail(_Table):
    """`[schedule.mail]`: a mail server; the password is read from the environment only."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_env: str = "SERVICECIRCLE_MAIL_PASSWORD"  # noqa: S105  the name of a variable
    sender: Annotated[str, Field(min_length=3)]
    to: Annotated[tuple[str, ...], Field(min_length=1)]


class Schedule(_Table):
    """
    `[schedule]`: when a study is run, and what becomes of it.

    Parameters
    ----------
    cron
        Five fields: minute, hour, day of month, month, day of week.
    timezone
        An IANA name.
    publish
        `draft`: stamped as a draft until `approve`; `final`: without.
    folder
        Where reports are published; None: `reports/<id>` beside the study file.
    keep_reports
        Published reports that are kept besides the latest.
    retries
        Further tries after a fault that may pass, such as a server that does not answer.
    retry_wait_s
        Before the first further try; doubled for each one after.
    command
        Run on each event, with what happened as JSON on its standard input.
    """

    cron: str = "0 6 1 * *"
    timezone: str = "Asia/Shanghai"
    publish: Literal["draft", "final"] = "draft"
    folder: str | None = None
    keep_reports: Count = 12
    retries: Count = 2
    retry_wait_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 60.0
    command: tuple[str, ...] = ()
    drift: Drift = Drift()
    mail: Mail | None = None
