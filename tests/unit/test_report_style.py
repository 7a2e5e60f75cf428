"""Style files: what they set, and what is said of a wrong one."""

import io
import zipfile
from dataclasses import replace

import pytest
from PIL import Image

from servicecircle.errors import InputError
from servicecircle.report import full
from servicecircle.report.bundle import write_zip
from servicecircle.report.style import SECTIONS, Style, read_style
from unit.made_report import made_report


def written(folder, text, **files):
    for name, content in files.items():
        (folder / f"{name}.png").write_bytes(content)
    path = folder / "style.toml"
    path.write_text(text, "utf-8")
    return path


def refused(folder, text, **files):
    with pytest.raises(InputError) as caught:
        read_style(written(folder, text, **files))
    for language in ("zh", "en"):
        assert caught.value.text(language)
    return caught.value


def png(size=(40, 20), mode="RGBA"):
    out = io.BytesIO()
    Image.new(mode, size, (200, 0, 0, 128)[: len(mode)]).save(out, "PNG")
    return out.getvalue()


def test_without_a_file_the_style_is_the_standard_for_documents(tmp_path):
    style = read_style(None)
    report = made_report("zh", tmp_path)
    assert (style.fonts.body, style.fonts.title, style.fonts.heading1) == (
        "仿宋_GB2312",
        "方正小标宋简体",
        "黑体",
    )
    assert (style.sizes_of(report).title, style.sizes_of(report).body) == (22, 16)
    assert style.sizes_of(replace(report, language="en")).body < 16


def test_sizes_given_hold_in_both_languages_but_not_for_a_sheet(tmp_path):
    style = read_style(written(tmp_path, "[sizes]\nbody = 14\n"))
    report = made_report("zh", tmp_path)
    for language in ("zh", "en"):
        assert style.sizes_of(replace(report, language=language)).body == 14
    assert style.sizes_of(replace(report, kind="sheet")).body < 12


def test_sections_are_ordered_and_left_out(tmp_path):
    report = made_report("zh", tmp_path)
    style = read_style(written(tmp_path, '[sections]\norder = ["villages"]\nleave_out = ["wide", "gaps"]\n'))
    ordered = style.ordered(report)
    assert [section.name for section in ordered.sections] == ["villages", "coverage"]
    assert ordered.sections[1].sections == ()
    assert Style().ordered(report) is report
    monthly = replace(report, kind="monthly")
    assert style.ordered(monthly) is monthly


def test_a_section_that_has_nothing_to_say_today_may_be_named(tmp_path):
    style = read_style(written(tmp_path, '[sections]\norder = ["changes", "villages"]\n'))
    assert style.ordered(made_report("zh", tmp_path)).sections[0].name == "villages"


def test_an_unknown_section_is_told_with_its_line_and_the_known_ones(tmp_path):
    style = read_style(written(tmp_path, '[fonts]\nbody = "宋体"\n[sections]\norder = ["vilages"]\n'))
    with pytest.raises(InputError) as caught:
        style.ordered(made_report("zh", tmp_path))
    said = caught.value.text("en")
    assert "style.toml:4" in said
    assert "`vilages`" in said
    assert "villages, " in said or ", villages" in said
    assert "vilages" in caught.value.text("zh")


def test_the_names_that_are_always_known_are_those_of_the_full_report():
    assert {part.__name__ for part in full.SECTIONS} <= {*SECTIONS, "verdicts"}
    assert len(SECTIONS) == len(full.SECTIONS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[fonts]\nbody = 12\n", "study.wrong_value"),
        ('[fonts]\nbody = "x</w:rPr>"\n', "study.wrong_value"),
        ("[sizes]\nbody = 200\n", "study.wrong_value"),
        ("[sizes]\nbody = nan\n", "study.wrong_value"),
        ('[font]\nbody = "宋体"\n', "study.unknown_key"),
        ("[logo]\nwidth_mm = 20\n", "study.missing_key"),
        ("[fonts\n", "study.not_toml"),
        ('[logo]\nfile = "none.png"\n', "report.bad_logo"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path, text, code):
    error = refused(tmp_path, text)
    assert error.code == code
    assert "style.toml:" in error.where


def test_a_file_cannot_set_what_only_the_reader_sets(tmp_path):
    style = read_style(written(tmp_path, 'path = "/etc/passwd"\nlogo_png = "x"\ntext = ""\n'))
    assert style.path == tmp_path / "style.toml"
    assert style.logo_png == b""


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    (tmp_path / "gbk.toml").write_bytes("[fonts]\nbody = '宋体'".encode("gbk"))
    for name in ("none.toml", "gbk.toml"):
        with pytest.raises(InputError) as caught:
            read_style(tmp_path / name)
        assert caught.value.code == "report.no_style"


@pytest.mark.parametrize("content", [b"", b"no picture", png()[:60], b"GIF89a" + bytes(40)])
def test_a_logo_that_is_no_picture_is_refused(tmp_path, content):
    assert refused(tmp_path, '[logo]\nfile = "logo.png"\n', logo=content).code == "report.bad_logo"


def test_a_logo_of_too_many_pixels_is_refused(tmp_path):
    huge = png((9000, 9000), "L")
    assert refused(tmp_path, '[logo]\nfile = "logo.png"\n', logo=huge).code == "report.bad_logo"


def test_a_logo_is_kept_no_larger_than_print_needs(tmp_path):
    style = read_style(
        written(tmp_path, '[logo]\nfile = "logo.png"\nwidth_mm = 25.4\n', logo=png((900, 450)))
    )
    with Image.open(io.BytesIO(style.logo_png)) as logo:
        assert logo.size == (300, 150)
        assert logo.mode == "RGB"


def test_a_zip_is_the_same_bytes_each_time_and_holds_chinese_names(tmp_path):
    files = [tmp_path / name for name in ("02-镇.docx", "01-街道.docx")]
    for file in files:
        file.write_bytes(file.name.encode())
    first = write_zip(files, tmp_path / "a.zip").read_bytes()
    assert write_zip(reversed(files), tmp_path / "b.zip").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["01-街道.docx", "02-镇.docx"]
        assert archive.testzip() is None
        assert archive.read("02-镇.docx").decode() == "02-镇.docx"
