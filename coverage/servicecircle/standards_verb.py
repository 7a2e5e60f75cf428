"""The command `servicecircle standards`: prints the register of clauses."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from servicecircle.errors import InputError
from servicecircle.terminal import InLanguage, locale_language, show_rows, show_text

app = typer.Typer(
    help="Print the clauses of the five documents, or of a profile of one's own. 查看标准条款。",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def list_(language: InLanguage = None) -> None:
    """List the profiles: document, date, clauses by state. 列出标准文件。"""
    from servicecircle.standards.listing import profile_rows
    from servicecircle.standards.register import all_profiles

    headers, rows = profile_rows(all_profiles(), language.value if language else locale_language())
    show_rows(headers, rows)


@app.command()
def show(
    profile: Annotated[
        str, typer.Argument(metavar="PROFILE", help="A name, or a TOML file. 标准名称或 TOML 文件。")
    ],
    clause: Annotated[
        str | None,
        typer.Option("--clause", help="All facts of one. 单个条款的全部内容。", show_default=False),
    ] = None,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d"],
            help="Day for deadlines; default: today. 期限判定日期。",
            show_default=False,
        ),
    ] = None,
    language: InLanguage = None,
    *,
    json_: Annotated[bool, typer.Option("--json", help="All facts, as JSON. 以 JSON 输出。")] = False,
) -> None:
    """List the clauses of a profile: phrase, figure, deadline, how judged. 列出条款。"""
    from servicecircle.standards.listing import clause_rows, fact_rows
    from servicecircle.standards.register import load_profile

    said = language.value if language else locale_language()
    day = as_of.date() if as_of else dt.datetime.now(dt.UTC).astimezone().date()
    found = load_profile(profile, folder=Path())
    clauses = [one for one in found.clauses if clause is None or one.id == clause]
    if not clauses:
        raise InputError("standards.unknown_clause", id=str(clause), profile=profile)
    if json_:
        facts = found.model_copy(update={"clauses": tuple(clauses)}).model_dump(
            mode="json", exclude_defaults=True
        )
        show_text(json.dumps(facts, ensure_ascii=False, indent=1))
    elif clause:
        show_rows((), fact_rows(clauses[0], said, as_of=day))
    else:
        show_rows(*clause_rows(found, said, as_of=day), widest=3)


@app.command(hidden=True)
def table() -> None:
    """Print every clause of the five documents with its state, as Markdown. 输出全部条款（Markdown）。"""
    from servicecircle.standards.listing import register_markdown
    from servicecircle.standards.register import all_profiles

    show_text(register_markdown(all_profiles()).rstrip("\n"))
