"""The static pictures: what they show, that they are the same bytes again, and that no letter is a box."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pypdfium2
import pytest
from PIL import Image

from browser.drawn_province import drawn_province
from browser.made_results import HOSTILE, made_results, village_points
from servicecircle.assess.public import for_public
from servicecircle.findings import Findings
from servicecircle.maps import fonts, letters, pictures
from servicecircle.maps.kept import Kept
from servicecircle.maps.pixels import small
from servicecircle.maps.scene import Scene
from servicecircle.outputs.manifest import write_manifest
from unit.small_town import SmallTown, command

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
TOLERANCE = 6.0
"""Mean difference in grey levels of 256: libraries set letters a little differently."""

CODE = "410921001000"


def changed(results, **output):
    """Return the results of a study with other keys in `[output]` and `[study]`."""
    study = results.study
    own = {key: output.pop(key) for key in ("maker", "name") if key in output}
    study = study.model_copy(update={
        "output": study.output.model_copy(update=output), "study": study.study.model_copy(update=own),
    })  # fmt: skip
    object.__setattr__(results, "study", study)
    return results


def latin(language="en", **output):
    """Return results that any machine draws alike: matplotlib's own font lies beside matplotlib."""
    own = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return changed(made_results(language), font=str(own), maker="Department $of$ Civil Affairs", **output)


def image_of(path):
    return Image.open(io.BytesIO(path.read_bytes()))


def text_of(pdf):
    document = pypdfium2.PdfDocument(pdf)
    return "".join(page.get_textpage().get_text_range() for page in document).replace("\r\n", "")


def told_by(results, folder, code=""):
    """Draw one picture alone, and return its words."""
    scene = replace(Scene.from_results(results), cutter=None)
    texts = letters.texts_of(results.study, results.zones, results.facilities)
    with pictures.studio(scene, texts) as room:
        pictures._draw_all(room, [pictures.Job("one", code)], folder, Kept.of(None, "pictures"))
    return text_of(folder / "one.pdf")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("en")
    return folder, pictures.write_pictures(latin(), folder)


# ---- files ----


def test_every_map_has_a_picture_as_png_and_pdf_named_by_code(drawn):
    folder, made = drawn
    codes = (CODE, "410921201000", "410922001000", "410922201000")
    names = ["overview", "verdicts", *(f"townships/{code}" for code in codes)]
    expected = [f"pictures/{name}{suffix}" for name in names for suffix in (".png", ".pdf")]
    assert [path.relative_to(folder).as_posix() for path in made.files] == expected
    assert sorted(p for p in folder.rglob("*") if p.is_file()) == sorted(made.files)


def test_pictures_fit_a_document_and_a_sheet_of_paper(drawn):
    for path in drawn[1].files:
        if path.suffix == ".png":
            assert path.stat().st_size < 600_000
            image = image_of(path)
            millimetres = sorted(
                side / dpi * 25.4 for side, dpi in zip(image.size, image.info["dpi"], strict=True)
            )
            assert millimetres == pytest.approx([210, 297], abs=0.5)
        else:
            points = sorted(pypdfium2.PdfDocument(path)[0].get_size())
            assert points == pytest.approx([210 / 25.4 * 72, 297 / 25.4 * 72], abs=0.5)


def test_each_page_has_a_small_picture(drawn):
    of_pages = drawn[1].of_pages
    assert list(of_pages) == ["", CODE, "410921201000", "410922001000", "410922201000"]
    for path in of_pages.values():
        picture = small(path)
        assert len(picture) <= 120_000
        assert Image.open(io.BytesIO(picture)).width >= 640


def test_the_same_results_give_the_same_bytes(drawn, tmp_path):
    made = drawn[1]
    again = pictures.write_pictures(latin(), tmp_path)
    for path, other in zip(made.files, again.files, strict=True):
        assert path.read_bytes() == other.read_bytes(), path.name
    assert list(again.files.values()) == list(made.files.values())


def test_pdfs_carry_their_letters_as_truetype_and_no_date(drawn):
    for path in drawn[1].files:
        if path.suffix == ".pdf":
            raw = path.read_bytes()
            assert b"CIDFontType2" in raw
            assert b"Type3" not in raw
            assert b"CreationDate" not in raw


def test_no_pictures_where_the_study_wants_none(tmp_path):
    made = pictures.write_pictures(changed(made_results(), pictures=False), tmp_path)
    assert (made.files, made.of_pages, list(tmp_path.iterdir())) == ({}, {}, [])


# ---- kept between runs ----


@pytest.fixture
def earlier(drawn):
    """A folder of an earlier run; whatever a test does to its files is undone."""
    folder, made = drawn
    made_from = {path.relative_to(folder).as_posix(): of for path, of in made.files.items()}
    before = {path: path.read_bytes() for path in made.files}
    write_manifest({"pictures": made_from}, list(made.files), folder / "run.json")
    yield folder
    (folder / "run.json").unlink()
    for path, content in before.items():
        path.write_bytes(content)


@pytest.fixture
def redrawn(monkeypatch, tmp_path, earlier):
    """Return which pictures a run into another folder would draw anew, and the files of that run."""

    def run(results):
        names = []
        monkeypatch.setattr(pictures, "finish", lambda begun: names.append(begun.job.stem))
        monkeypatch.setattr(pictures, "_write", lambda *_: None)
        made = pictures.write_pictures(results, tmp_path, earlier=earlier)
        return [name.removeprefix("pictures/") for name in names], made.files

    return run


def test_a_second_run_keeps_every_byte_and_draws_nothing(drawn, redrawn):
    names, files = redrawn(latin())
    assert names == []
    assert list(files.values()) == list(drawn[1].files.values())
    for path, kept in zip(drawn[1].files, files, strict=True):
        assert path.read_bytes() == kept.read_bytes(), path.name


def test_a_changed_gap_redraws_its_township_and_the_overviews(redrawn):
    results = latin()
    gaps = results.gaps.copy()
    row = gaps["people"].idxmin()
    gaps.loc[row, "zone_name"] = "Another name"
    object.__setattr__(results, "gaps", gaps)
    zones = results.zones.drop_duplicates("code").set_index("code")
    place = zones.loc[gaps.loc[row, "zone_code"], "parent_code"]
    assert redrawn(results)[0] == ["overview", "verdicts", f"townships/{place}"]


def test_a_facility_beyond_the_border_is_redrawn_where_it_is_seen(redrawn):
    results = latin()
    places = results.facilities.copy()
    places["kind"] = places["kind"].iloc[::-1].to_numpy()
    object.__setattr__(results, "facilities", places)
    assert {"overview", "verdicts", f"townships/{CODE}"} <= set(redrawn(results)[0])


@pytest.mark.parametrize(
    "output",
    [{"name": "Another study"}, {"maker": "Somebody else"}, {"edition": "public", "map_review": "GS(2026)1"}],
)
def test_whatever_stands_on_all_pictures_redraws_all(redrawn, output):
    assert len(redrawn(changed(latin(), **output))[0]) == 6


def test_another_font_file_redraws_all(monkeypatch, redrawn):
    results = latin()
    bold = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf")
    face = letters.find_face(results.study, [])
    monkeypatch.setattr(pictures, "find_face", lambda *_: replace(face, path=bold))
    assert len(redrawn(results)[0]) == 6


@pytest.mark.parametrize("suffix", pictures.SUFFIXES)
def test_a_picture_that_somebody_changed_is_drawn_again(earlier, tmp_path, suffix):
    path = earlier / "pictures" / f"overview{suffix}"
    whole = path.read_bytes()
    path.write_bytes(whole + b"mine")
    pictures.write_pictures(latin(), tmp_path, earlier=earlier)
    assert (tmp_path / path.relative_to(earlier)).read_bytes() == whole


# ---- what stands on them ----


def test_a_picture_says_what_it_is_and_what_it_rests_on(drawn):
    told = text_of(drawn[0] / "pictures" / "overview.pdf")
    for words in (
        "coverage gap map (as of 2026-06-30)", "Share of elderly covered", "90% to under 100%",
        "15-minute circle", "Scale 1:", "Made by: Department $of$ Civil Affairs",
        "© OpenStreetMap contributors (ODbL)", "CRS: CGCS2000", "walking at 4.0 km/h",
        "reference line (own choice, not in any document): 90.0%", "Data as of 2026-06-30",
        "Internal working map", "Uncovered areas (the first",
    ):  # fmt: skip
        assert words in told, words
    assert "Met" in text_of(drawn[0] / "pictures" / "verdicts.pdf")


def test_a_townships_picture_has_its_bands_and_numbered_gaps(drawn):
    results = latin()
    told = text_of(drawn[0] / "pictures" / "townships" / f"{CODE}.pdf")
    assert "over 20 min" in told
    assert "No way" in told
    scene = Scene.from_results(results)
    inside = scene.units.loc[scene.units["parent_code"] == CODE, "code"]
    first = scene.within_zones("gaps", inside).iloc[0]
    assert f"{first['number']} " in told
    assert f"about {first['people']:,.0f} people, about {first['elderly']:,.0f}" in told


def test_the_scale_is_true():
    with pictures.studio(replace(Scene.from_results(latin()), cutter=None), [""]) as room:
        sheet = pictures.finish(pictures.begin(room, pictures.Job("one")))
    scale = int(re.search(r"Scale 1:(\d+)", " ".join(text.get_text() for text in sheet.paper.texts))[1])
    left, _, right, _ = sheet.frame_mm
    assert (sheet.seen[2] - sheet.seen[0]) / ((right - left) / 1000) == pytest.approx(scale)
    drawn_mm = sheet.map.get_position().width * sheet.figure.get_figwidth() * 25.4
    assert drawn_mm == pytest.approx(right - left)
    west, south, east, north = room.units.total_bounds
    assert sheet.seen[0] < west < east < sheet.seen[2]
    assert sheet.seen[1] < south < north < sheet.seen[3]


def test_nothing_on_a_sheet_overlaps_or_leaves_it():
    with pictures.studio(replace(Scene.from_results(latin()), cutter=None), [""]) as room:
        sheet = pictures.finish(pictures.begin(room, pictures.Job("one")))
        pictures.picture(sheet)
        boxes = [
            text.get_window_extent().expanded(0.98, 0.7) for text in sheet.paper.texts if text.get_text()
        ]
    paper = sheet.figure.bbox
    for number, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.x1 <= paper.x1
        assert box.y0 >= 0
        assert box.y1 <= paper.y1
        for other, second in zip(boxes[:number], sheet.paper.texts, strict=False):
            assert not box.overlaps(other), (sheet.paper.texts[number].get_text(), second.get_text())


def test_a_tall_area_stands_upright():
    results = latin()
    stretched = results.zones.geometry.affine_transform([0.4, 0, 0, 2.2, 300_000, -4_764_000])
    object.__setattr__(results, "zones", results.zones.set_geometry(stretched))
    with pictures.studio(replace(Scene.from_results(results), cutter=None), [""]) as room:
        sheet = pictures.finish(pictures.begin(room, pictures.Job("one")))
    assert sheet.figure.get_figheight() > sheet.figure.get_figwidth()


def test_villages_known_as_points_are_drawn(tmp_path):
    results = latin()
    object.__setattr__(results, "zones", results.zones.set_geometry(village_points(results)))
    assert "Share of elderly covered" in told_by(results, tmp_path)


def test_a_study_without_townships_and_with_nothing_found_has_its_overviews(tmp_path):
    results = latin()
    object.__setattr__(results, "zones", results.zones[results.zones["level"] == "village"])
    for frame in ("gaps", "people", "segments", "circles", "reach"):
        object.__setattr__(results, frame, getattr(results, frame).iloc[:0])
    made = pictures.write_pictures(results, tmp_path)
    assert [path.name for path in made.files] == [
        "overview.png",
        "overview.pdf",
        "verdicts.png",
        "verdicts.pdf",
    ]


# ---- names ----


def test_names_are_shown_as_text_and_never_as_formulas(tmp_path):
    name = r"$\frac{1}{0}$ \[x\] {{7*7}} " + HOSTILE[3]
    assert name in told_by(latin(name=name), tmp_path)


def test_names_of_any_length_and_letters_leave_the_sheet_whole(tmp_path):
    name = "\u202eevil\u2066\x07\n\ttwo  lines\ud800 \U00013000 " + "long " * 1000
    told = told_by(latin(name=name), tmp_path)
    assert "evil two lines □ long" in told.replace("〓", "□").replace("  ", " ")
    assert "…" in told
    assert len(told) < 5_000


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\u202eb\u200f", "ab"),
        ("a\r\n\tb", "a b"),
        ("\ud800x\ue000", "x"),
        ("é", "é"),
        ("  a\u3000b ", "a b"),
    ],
)
def test_unseen_characters_are_taken_out(text, cleaned):
    assert letters.clean(text) == cleaned


@pytest.mark.fonts
def test_a_public_picture_bears_its_map_review_number(tmp_path):
    told = told_by(
        for_public(changed(made_results("zh"), edition="public", map_review="豫S〔2026〕0001号")), tmp_path
    )
    assert "豫S〔2026〕0001号" in told
    assert "内部工作用图" not in told


@pytest.mark.fonts
def test_chinese_pictures_have_chinese_letters_of_the_simplified_face(tmp_path):
    results = made_results("zh")
    face = letters.find_face(results.study, [])
    assert not face.lacks(letters.own_words("zh"))
    told = told_by(results, tmp_path, CODE)
    assert "养老服务设施覆盖缺口图（截至2026年6月30日）" in told
    assert "路段：步行到最近设施（一刻钟服务圈／一公里服务圈）" in told
    assert "比例尺 1∶" in told
    assert not {"〓", "□"} & set(told)


@pytest.mark.fonts
def test_a_letter_that_the_font_lacks_is_replaced_and_told(tmp_path):
    results = made_results("zh")
    rare = changed(results, name="示例\U00013000县\U0001f3e5")
    findings = Findings()
    letters.say_letters(rare.study, rare.zones, rare.facilities, findings)
    told = {one.code: one.facts for one in findings}
    assert told["output.rare_letters"]["names"] == 1
    assert "U+1F3E5" in told["output.rare_letters"]["letters"]
    assert "示例〓县〓" in told_by(rare, tmp_path)


def test_without_a_chinese_font_there_is_a_finding_and_no_picture(monkeypatch, tmp_path):
    monkeypatch.setattr(letters, "font_folders", lambda: [tmp_path / "none"])
    letters._chinese_face.cache_clear()
    try:
        results, findings = made_results("zh"), Findings()
        letters.say_letters(results.study, results.zones, results.facilities, findings)
        assert findings.counts() == {"output.no_font": 1}
        assert pictures.write_pictures(results, tmp_path / "out").files == {}
        assert not (tmp_path / "out").exists()
    finally:
        letters._chinese_face.cache_clear()


@pytest.mark.parametrize(
    "content", [None, b"", b"no font", b"\x00\x01\x00\x00" + bytes(200), b"ttcf" + bytes(50)]
)
def test_a_font_that_cannot_be_read_is_no_font(tmp_path, content):
    path = tmp_path / "mine.ttc"
    if content is not None:
        path.write_bytes(content)
    results = changed(made_results("zh"), font=str(path))
    assert letters.find_face(results.study, []) is None


def test_a_latin_font_does_not_do_for_chinese():
    assert letters.find_face(latin("zh").study, []) is None


@pytest.mark.parametrize(
    ("there", "first"),
    [
        (["wqy-zenhei.ttc", "NotoSansCJK-Bold.ttc", "NotoSansCJK-Regular.ttc"], "NotoSansCJK-Regular.ttc"),
        (["NotoSerifCJK-Regular.ttc", "simhei.ttf", "msyhbd.ttc", "msyh.ttc"], "msyh.ttc"),
        (["simsun.ttc", "DejaVuSans.ttf", "msyh.txt"], "simsun.ttc"),
    ],
)
def test_plain_fonts_come_first(tmp_path, there, first):
    for name in there:
        (tmp_path / name).touch()
    assert fonts.chinese_fonts([tmp_path / "none", tmp_path])[0].name == first


# ---- golden pictures ----


@pytest.mark.parametrize("name", ["overview", "verdicts", f"townships/{CODE}"])
def test_pictures_look_as_they_did(drawn, name):
    """Golden pictures are made by `python tests/golden/draw.py`, and looked at before they are kept."""
    golden = GOLDEN / f"{name.replace('/', '-')}.png"
    assert golden.is_file(), f"{golden} is missing"
    shown = image_of(drawn[0] / "pictures" / f"{name}.png").convert("RGB")
    expected = image_of(golden).convert("RGB")
    shown = shown.resize(expected.size, Image.Resampling.BOX)
    apart = np.abs(np.asarray(shown, dtype=float) - np.asarray(expected, dtype=float))
    assert apart.mean() < TOLERANCE
    blocks = apart.mean(axis=2)[: expected.height // 20 * 20, : expected.width // 20 * 20]
    worst = blocks.reshape(expected.height // 20, 20, expected.width // 20, 20).mean(axis=(1, 3)).max()
    assert worst < 60


def test_a_run_lists_its_pictures_and_its_pages_carry_the_small_ones(tmp_path):
    town = SmallTown(tmp_path).write(language="en", keys={"rules": "[output]\npictures = true"})
    assert command("run", town.study, "--quiet").code == 0
    listed = {entry["name"] for entry in json.loads((town.output / "run.json").read_text("utf-8"))["files"]}
    on_disk = {path.relative_to(town.output).as_posix() for path in town.output.rglob("*.p[nd][gf]")}
    assert {"pictures/overview.png", "pictures/verdicts.pdf"} <= on_disk <= listed
    for page in (town.output / "index.html", *(town.output / "townships").iterdir()):
        assert 'src="data:image/png;base64,' in page.read_text("utf-8")
        assert page.stat().st_size < 1_000_000


def test_the_overview_shows_the_four_classes_and_shares_are_a_picture_of_their_own(tmp_path):
    own = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    results = changed(drawn_province(prefectures=1, counties=1, townships=2, language="en"), font=str(own))
    made = pictures.write_pictures(results, tmp_path)
    assert [path.stem for path in made.files][:6:2] == ["overview", "shares", "verdicts"]
    assert made.of_pages[""].name == "overview.png"
    told = re.sub(r"\s+", " ", text_of(tmp_path / "pictures" / "overview.pdf"))
    for label in ("Own facility, covered", "Own facility, coverage insufficient",
                  "Covered by a neighbour's facility", "No facility, not covered",
                  "No facility, not covered (Cannot tell)", "Streets not mapped"):  # fmt: skip
        assert label in told, label
    assert "90% to under 100%" not in told
    assert "90% to under 100%" in text_of(tmp_path / "pictures" / "shares.pdf")


def test_a_picture_says_when_it_was_made_and_keeps_its_day_while_it_stays_the_same(tmp_path):
    results, earlier, later = latin(), tmp_path / "earlier", tmp_path / "later"
    for folder, day in ((earlier, "2026-07-01"), (later, "2026-07-02")):
        folder.mkdir()
        object.__setattr__(results, "manifest", {**results.manifest, "started_at": f"{day}T12:00:00+00:00"})
        made = pictures.write_pictures(results, folder, earlier=earlier)
        listed = {path.relative_to(folder).as_posix(): of for path, of in made.files.items()}
        write_manifest({"pictures": listed}, made.files, folder / "run.json")
        assert "Made on: 2026-07-01" in text_of(folder / "pictures" / "overview.pdf")
