"""A page for browsers that cannot draw it: the picture and the tables as plain markup."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from servicecircle.maps.page import Page
    from servicecircle.maps.tables import Table

MOST_ROWS, LONG = 30, 300
"""So many rows of a table; longer texts are cut to their first lines by the style."""


def plain(page: Page) -> str:
    """
    Return the block that stands in the page until its script has drawn it.

    What users wrote is escaped, braces too, so that no template engine reads it.
    """
    text = page.text
    tables = [_table(table, text.say("plain_rows", rows=MOST_ROWS)) for table in page.tables]
    return "".join((
        '<div id="plain">\n',
        _element("p", text.say("unsupported"), 'class="failed" id="unsupported"'),
        *(f"<p>{_link(label, address)}</p>\n" for label, address in page.links),
        _element("h1", page.title),
        *(_element("p", line) for line in page.lead),
        _list(text.say("colon").join((figure.label, figure.value)) for figure in page.figures),
        _picture(page),
        *tables,
        _element("h2", text.say("notes")),
        _list([*page.notes, page.credit]),
        "</div>\n",
    ))  # fmt: skip


def _safe(text: str) -> str:
    return html.escape(text).replace("{", "&#123;").replace("}", "&#125;")


def _element(tag: str, text: str, attributes: str = "") -> str:
    return f"<{f'{tag} {attributes}'.strip()}>{_safe(text)}</{tag}>\n"


def _link(text: str, address: str) -> str:
    return f'<a href="{_safe(address)}">{_safe(text)}</a>'


def _list(lines: Iterable[str]) -> str:
    return "<ul>\n" + "".join(_element("li", line) for line in lines if line) + "</ul>\n"


def _picture(page: Page) -> str:
    if not page.picture:
        return ""
    data = base64.b64encode(page.picture).decode("ascii")
    return f'<p><img alt="{_safe(page.title)}" src="data:image/png;base64,{data}"></p>\n'


def _table(table: Table, more: str) -> str:
    rows = list(zip(*table.columns.values(), strict=True))
    if not rows:
        return ""
    links = [table.links.get(label) for label in table.columns]
    head = "".join(f'<th scope="col">{_safe(label)}</th>' for label in table.columns)
    numbers = [label in table.numbers for label in table.columns]
    body = "".join(_row(row, texts, links, numbers) for row, texts in enumerate(rows[:MOST_ROWS]))
    return (
        f"{_element('h2', table.caption)}<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        f"</table>\n{_element('p', more) if len(rows) > MOST_ROWS else ''}"
    )


def _row(
    row: int, texts: Sequence[str], links: Sequence[Sequence[str | None] | None], numbers: Sequence[bool]
) -> str:
    cells = []
    for text, addresses, number in zip(texts, links, numbers, strict=True):
        address = addresses[row] if addresses else None
        cell = _link(text, address) if address else _safe(text)
        cell = f'<div class="cut">{cell}</div>' if len(text) > LONG else cell
        cells.append(f'<td class="number">{cell}</td>' if number else f"<td>{cell}</td>")
    return f"<tr>{''.join(cells)}</tr>\n"
