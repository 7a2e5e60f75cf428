"""Half a file, an empty sheet, yesterday's file: nothing of that is published, and the next run works."""

import io
import shutil

import openpyxl
import osmium
import pytest

from faults.real_town import RealTown, settled, shown
from unit.small_town import FACILITIES, HEADER, PEOPLE


def sheet(*rows):
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row.strip().split(","))
    book.save(out)
    return out.getvalue()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A town with streets as a PBF and facilities as a workbook."""
    folder = tmp_path_factory.mktemp("drawn")
    named = {"streets.osm": "streets.osm.pbf", "facilities.csv": "facilities.xlsx"}
    town = RealTown(folder / "town").begin(sources=named)
    town.keys('[report]\nkinds = ["full"]\nformats = ["html"]\n')
    pbf = folder / "town" / "streets.osm.pbf"
    writer = osmium.SimpleWriter(str(pbf))
    for entity in osmium.FileProcessor(str(folder / "town" / "streets.osm")):
        writer.add(entity)
    writer.close()
    town.town.put("facilities.xlsx", sheet(*FACILITIES.splitlines()))
    found = town.once()
    assert (found.result, found.problems) == ("published", ())
    return town


@pytest.fixture
def town(drawn, tmp_path):
    return drawn.copied(tmp_path / "town")


def blocks(content):
    """Return where each block of a PBF ends: cut there, it is a sound file with less in it."""
    ends, at = [0], 0
    while at < len(content):
        head = int.from_bytes(content[at : at + 4], "big")
        header = content[at + 4 : at + 4 + head]
        at += 4 + head + _varint(header[header.rindex(b"\x18") + 1 :])
        ends.append(at)
    assert ends[-1] == len(content)
    return ends


def _varint(content):
    value = shift = 0
    for byte in content:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    return value


def refused(town, old):
    """Run the study: nothing is published, and it is said why."""
    found = town.once()
    assert found.result in {"failed", "held"}, found.result
    if found.error is not None:
        assert found.error.text("zh")
        assert type(found.error).__module__.startswith("servicecircle."), repr(found.error)
    else:
        assert found.state.why
    assert shown(town.reports) == old
    assert settled(town)["latest"] == "0001-" + town.reports.latest.readlink().name[5:]
    return found


def test_half_a_pbf_is_never_published(town):
    path = town.town.folder / "streets.osm.pbf"
    whole, old = path.read_bytes(), shown(town.reports)
    ends = blocks(whole)
    cuts = {*ends[1:-1], len(whole) // 3, len(whole) // 2, len(whole) - 5, 0}
    for cut in sorted(cuts):
        path.write_bytes(whole[:cut])
        refused(town, old)
    path.write_bytes(whole)
    assert town.once().state.run_id.startswith("0001-")  # all is as it was
    town.change(1)
    assert town.once().result == "published"
    shown(town.reports)


def test_an_empty_sheet_is_never_published(town):
    old = shown(town.reports)
    path = town.town.folder / "facilities.xlsx"
    whole = path.read_bytes()
    for content in (b"", sheet(), sheet(HEADER), whole[: len(whole) // 2]):
        path.write_bytes(content)
        refused(town, old)
    path.write_bytes(whole)
    for content in ("", PEOPLE.splitlines()[0], PEOPLE[: len(PEOPLE) // 2]):
        town.town.put("people.csv", content)
        refused(town, old)
    town.change(1)
    assert town.once().result == "published"
    shown(town.reports)


def test_yesterdays_file_is_held_back(town):
    before = town.town.folder / "facilities.xlsx"
    kept = shutil.copy(before, town.town.folder / "old copy.xlsx")
    before.write_bytes(sheet(*FACILITIES.replace("幸福院,村", "幸福院二,村").splitlines()))
    assert town.once().result == "published"
    old = shown(town.reports)
    shutil.copy(kept, before)
    town.change(1)  # else it would be the run before, unchanged
    found = town.once()
    assert [fact.code for fact in found.state.why] == ["drift.old_file"]
    assert shown(town.reports) == old
    text = town.town.study.read_text("utf-8")
    town.town.put("study.toml", text.replace("as_of = 2026-06-30", "as_of = 2026-05-31"))
    assert {"drift.older", "drift.old_file"} == {fact.code for fact in town.once().state.why}
    assert shown(town.reports) == old
    town.town.put("study.toml", text)
    before.write_bytes(sheet(*FACILITIES.replace("幸福院,村", "幸福院三,村").splitlines()))
    assert town.once().result == "published"
    shown(town.reports)
