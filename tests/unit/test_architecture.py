"""The house rules that no linter knows."""

import ast
import re
import string
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from servicecircle import words

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "coverage" / "servicecircle"
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = {
    ".".join(("servicecircle", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in MODULES
}
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 60
ERRORS = {"InputError", "OutputError"}


@cache
def tree(path):
    return ast.parse(path.read_text("utf-8"))


def functions(path):
    return [n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def calls(path):
    """Return name and node of every call: `note` for `findings.note(…)`."""
    found = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    return [(getattr(n.func, "id", None) or getattr(n.func, "attr", ""), n) for n in found]


def test_modules_are_short():
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_functions_fit_a_screen():
    """Docstrings do not count."""
    long = {}
    for path in MODULES:
        for node in functions(path):
            first = node.body[0]
            said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            docstring = first.end_lineno - first.lineno + 1 if said else 0
            lines = node.end_lineno - node.lineno + 1 - docstring
            if lines > MOST_LINES_OF_A_FUNCTION:
                long[f"{path.name}:{node.name}"] = lines
    assert long == {}


def test_the_source_folder_does_not_stand_for_coverage_py():
    """Tools that import coverage.py, numba among them, must still find it from the project's root."""
    assert not (ROOT / "coverage" / "__init__.py").exists()
    code = "import coverage; print(coverage.Coverage.__module__, coverage.__file__)"
    for folder in (ROOT, ROOT / "tests"):
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
        )
        assert ran.stdout.startswith("coverage.")
        assert not Path(ran.stdout.split(maxsplit=1)[1].strip()).is_relative_to(ROOT / "coverage")


def test_no_drawer_for_odds_and_ends():
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "core", "base"}
    assert [path for path in MODULES if path.stem.strip("_") in drawers] == []


# ---------------------------------------------------------------- imports


def imported(path):
    """Return the modules of this package that a module imports, at once or later, but not for types only."""
    found = set()

    def visit(node):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for part in node.orelse:
                visit(part)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(inner & NAMES.keys() or {node.module})
        for part in ast.iter_child_nodes(node):
            visit(part)

    visit(tree(path))
    return found & NAMES.keys()


def test_no_import_goes_in_a_circle_not_even_a_lazy_one():
    links = {name: sorted(imported(path) - {name}) for name, path in NAMES.items()}
    done, circles = set(), []

    def walk(name, way):
        if name in way:
            circles.append([*way[way.index(name) :], name])
        elif name not in done:
            for other in links[name]:
                walk(other, [*way, name])
            done.add(name)

    for name in links:
        walk(name, [])
    assert circles == []


# ---------------------------------------------------------------- words


def codes():
    """Return every code that the code names: as written, and patterns of those that are put together."""
    written, patterns = set(), set()
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                written.add(node.value)
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
                if parts and parts[0] and re.fullmatch(r"[a-z]+\.[a-z_]*", parts[0]):
                    patterns.add("".join(".+" if part is None else re.escape(part) for part in parts))
    return written, patterns


def test_every_message_is_complete_in_both_languages():
    for code, entry in words.messages().items():
        assert entry.keys() == {"severity", "en", "en_fix", "zh", "zh_fix"}, code
        assert entry["severity"] in {"error", "warning", "info"}, code
        assert re.search("[一-鿿]", entry["zh"] + entry["zh_fix"]), code
        assert not re.search("[一-鿿]", re.sub("“[^”]*”|（[^）]*）", "", entry["en"])), code
        assert all(entry[key].strip() and "\n" not in entry[key] for key in entry), code


def test_every_code_has_its_words_and_all_words_are_spoken():
    known = set(words.messages())
    written, patterns = codes()
    stages = {code.partition(".")[0] for code in known}
    named = {code for code in written if re.fullmatch(r"[a-z]+\.[a-z_0-9]+", code)}
    named = {
        code for code in named if code.partition(".")[0] in stages and not code.endswith((".toml", ".csv"))
    }
    raised = set()
    for path in MODULES:
        for name, call in calls(path):
            if name in {*ERRORS, "note"} and call.args and isinstance(call.args[0], ast.Constant):
                raised.add(call.args[0].value)
    assert raised - known == set()
    unspoken = {c for c in known - written if not any(re.fullmatch(p, c) for p in patterns)}
    assert unspoken == set()


def placeholders(code):
    entry = words.messages()[code]
    texts = [entry[key] for key in ("en", "en_fix", "zh", "zh_fix")]
    return {
        re.split(r"[.\[]", name)[0]
        for text in texts
        for _, name, _, _ in string.Formatter().parse(text)
        if name
    }


def test_every_fact_that_a_message_names_is_given():
    lacking = defaultdict(set)
    for path in MODULES:
        for name, call in calls(path):
            if name not in {*ERRORS, "note"} or not call.args or not isinstance(call.args[0], ast.Constant):
                continue
            if call.args[0].value not in words.messages():  # told by the test above
                continue
            given = {keyword.arg for keyword in call.keywords}
            if None in given:  # **facts
                continue
            given |= {"source"} if name == "note" else set()  # FacilityRows.note adds it
            lacking[call.args[0].value] |= placeholders(call.args[0].value) - given
    assert {code: names for code, names in lacking.items() if names} == {}


# ---------------------------------------------------------------- code


def test_only_within_compares_a_cost_with_a_limit():
    limit = re.compile(r"limit|cutoff|cut_off|walk_limit")
    found = []
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Compare) or path.name == "units.py":
                continue
            orders = [op for op in node.ops if isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE)]
            sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
            if orders and any(limit.search(re.sub(r"rows_limit", "", side)) for side in sides):
                found.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_the_library_neither_prints_nor_exits_nor_keeps_state(path):
    names = [name for name, _ in calls(path)]
    if path.name not in {"cli.py", "terminal.py", "__main__.py"}:
        assert not {"print", "exit", "_exit", "echo", "input", "breakpoint", "basicConfig"} & set(names)
        assert not re.search(r"std(out|err)\.write", path.read_text("utf-8"))
    nodes = list(ast.walk(tree(path)))
    assert not [n for n in nodes if isinstance(n, ast.Global | ast.Assert)]
    assert not [n for n in nodes if isinstance(n, ast.ExceptHandler) and n.type is None]
    assert not {"eval", "exec"} & set(names)


def test_nothing_is_left_to_do():
    marks = re.compile(r"TODO|FIXME|XXX|HACK|placeholder|for now\b")
    texts = [p for p in PACKAGE.rglob("*") if p.suffix in {".py", ".toml"} and "assets" not in p.parts]
    assert [path.name for path in texts if marks.search(path.read_text("utf-8"))] == []


def test_docstrings_say_what_public_names_are():
    silent = []
    for path in MODULES:
        assert ast.get_docstring(tree(path)), path
        silent += [
            f"{path.name}:{node.name}"
            for node in tree(path).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
            and "overload" not in [getattr(mark, "id", "") for mark in node.decorator_list]
        ]
    assert [name for name in silent if not name.endswith(":main")] == []
