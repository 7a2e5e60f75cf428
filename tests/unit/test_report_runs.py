"""Reports of whole runs: what stands in them is what the tables say, and what the history remembers."""

import csv
import datetime as dt
import json
import re
import shutil
from html import unescape

import openpyxl
import pytest
from docx import Document

from servicecircle.history.trend import COLUMNS
from servicecircle.pipeline import measure
from servicecircle.report.material import SignOff
from servicecircle.report.renew import renew_reports
from servicecircle.study import Study
from servicecircle.units import percent
from unit.small_town import FACILITIES, LAT, LON, STEP, SmallTown, command

pytestmark = pytest.mark.fonts  # charts need Chinese letters

SECOND_HOME = f"F2,北幸福院,村级幸福院,运营中,{LON + STEP:.4f},{LAT + 2 * STEP:.4f}\n"
KINDS = '\n[history]\n[report]\nkinds = ["full", "monthly", "annual"]\n'


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Run a town in May, and in June with one home more."""
    made = SmallTown(tmp_path_factory.mktemp("town")).write()
    text = made.study.read_text("utf-8").replace("pictures = false", "pictures = true") + KINDS
    made.put("study.toml", text.replace("2026-06-30", "2026-05-31"))
    assert command("run", made.study, "-q", "-o", made.folder / "may").code == 0
    made.put("study.toml", text)
    made.put("facilities.csv", FACILITIES + SECOND_HOME)
    assert command("run", made.study, "-q", "-o", made.folder / "june").code == 0
    return made


def whole(folder):
    """Return the headline row of all villages: people judged and within, added up by hand."""
    with (folder / "zones.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["level"] == "village" and row["circle"] != "own"]
    within = sum(float(row["people_within"]) for row in rows)
    return within / sum(float(row["people_judged"]) for row in rows)


def words_of(path):
    return unescape(re.sub(r"<[^>]+>", " ", path.read_text("utf-8")))


def document_words(path):
    document = Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


def workbook_words(path):
    book = openpyxl.load_workbook(path)
    return "\n".join(
        str(cell.value)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    )


def test_every_format_says_what_changed_since_the_last_run_and_why(town):
    june = town.folder / "june"
    before, now = percent(whole(town.folder / "may")), percent(whole(june))
    assert before != now
    points = f"{float(now[:-1]) - float(before[:-1]):+.1f}"
    for said in (words_of(june / "report.html"), document_words(june / "report.docx")):
        assert before in said
        assert now in said
        assert points in said  # a reader who subtracts finds it
        assert "设施新增" in said
        assert "北幸福院" in said
    assert "北幸福院" in workbook_words(june / "report.xlsx")


def test_the_bulletin_compares_with_last_month(town):
    may, june = whole(town.folder / "may"), whole(town.folder / "june")
    points = f"{float(percent(june)[:-1]) - float(percent(may)[:-1]):+.1f}"
    for said in (
        words_of(town.folder / "june" / "reports" / "monthly.html"),
        document_words(town.folder / "june" / "reports" / "monthly.docx"),
    ):
        assert "较上月" in said
        assert points in said
    assert points not in words_of(town.folder / "may" / "reports" / "monthly.html")  # nothing came before


def test_history_holds_each_run_and_its_charts_are_drawn(town):
    with (town.folder / "june" / "history.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert set(rows[0]) == set(COLUMNS)
    assert {row["as_of"] for row in rows} == {"2026-05-31", "2026-06-30"}
    charts = sorted((town.folder / "june" / "pictures" / "report").glob("*.png"))
    assert charts
    assert not (town.folder / "may" / "history.csv").exists()
    listed = json.loads((town.folder / "june" / "run.json").read_text("utf-8"))
    names = {chart.relative_to(town.folder / "june").as_posix() for chart in charts}
    assert names | {"history.csv", "report.docx", "reports/annual.xlsx"} <= set(listed["reports"])


def test_an_approved_run_has_other_reports_and_nothing_else(town, tmp_path):
    study = Study.from_file(town.study)
    folder = tmp_path / "run"
    from servicecircle.pipeline import run

    run(study).write(folder, sign_off=SignOff("draft"))
    assert "送审稿" in words_of(folder / "report.html")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    renew_reports(folder, study, sign_off=SignOff("final", "养老科", dt.date(2026, 7, 2)), measure=measure)
    said = words_of(folder / "report.html")
    assert "送审稿" not in said
    assert "养老科" in said
    assert "送审稿" not in document_words(folder / "report.docx")
    changed = {p.relative_to(folder).as_posix() for p, was in before.items() if p.read_bytes() != was}
    manifest = json.loads((folder / "run.json").read_text("utf-8"))
    assert manifest["sign_off"] == {"state": "final", "by": "养老科", "on": "2026-07-02"}
    assert changed <= {"run.json", *manifest["reports"]}
    assert {path for path in folder.rglob("*") if path.is_file()} == set(before)


def test_reports_of_a_written_run_go_into_a_folder_of_their_own(town, tmp_path):
    june = town.folder / "june"
    done = command(
        "report", town.study, "--run", june, "-k", "quarterly", "-k", "sheets", "-o", tmp_path / "r"
    )
    assert done.code == 0, done.err
    assert (tmp_path / "r" / "reports" / "quarterly.docx").is_file()
    assert not (tmp_path / "r" / "report.docx").exists()
    refused = command("report", town.study, "--run", june, "-o", june)
    assert refused.code == 2
    assert str(june) in refused.err
    assert (june / "zones.csv").is_file()


def test_inputs_that_changed_since_are_not_taken_for_those_of_the_run(town, tmp_path):
    later = SmallTown(tmp_path / "later")
    shutil.copytree(town.folder, later.folder)
    homes = (FACILITIES + SECOND_HOME).splitlines(keepends=True)
    later.put("facilities.csv", "".join(homes[:1] + homes[-1:]))  # next month's ledger is begun
    done = command("report", later.study, "--run", later.folder / "june", "-o", tmp_path / "r")
    assert done.code == 0, done.err
    assert since(tmp_path / "r" / "report.docx") == since(town.folder / "june" / "report.docx")


def since(path):
    """Return the headlines, their changes and the parts of these."""
    tables = (
        [[cell.text for cell in row.cells] for row in table.rows] for table in Document(str(path)).tables
    )
    return next(rows for rows in tables if rows[0][1:3] == ["上次", "本次"])


def test_a_study_without_reports_writes_none(tmp_path):
    town = SmallTown(tmp_path).write()
    town.put("study.toml", town.study.read_text("utf-8") + "\n[report]\nkinds = []\n")
    assert command("run", town.study, "-q").code == 0
    assert not list(town.output.glob("report*"))
    assert json.loads((town.output / "run.json").read_text("utf-8"))["reports"] == []
