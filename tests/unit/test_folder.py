"""The output folder: old or new, never a mixture, whatever happens on the way."""

import errno
import json
import os
import shutil
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicecircle.errors import OutputError
from servicecircle.outputs import folder as folder_module
from servicecircle.outputs.folder import atomic_folder, recover, refuse_foreign
from servicecircle.outputs.manifest import write_manifest


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(folder_module.time, "sleep", lambda seconds: None)


def write_output(folder, version, names=("zones.csv", "townships/1.html")):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(version)
    write_manifest({"version": version}, [folder / name for name in names], folder / "run.json")


def run(target, version, **kwargs):
    with atomic_folder(target, run_id=f"run-{version}") as new:
        write_output(new, version, **kwargs)


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def is_whole(target, version):
    files = content(target)
    listed = {entry["name"] for entry in json.loads(files.pop("run.json"))["files"]}
    return {name: files[name] for name in listed} == dict.fromkeys(listed, version) and listed <= files.keys()


def beside(target):
    return sorted(p.name for p in target.parent.iterdir() if p != target)


@contextmanager
def fails_half_way(target, mishap):
    with atomic_folder(target, run_id="x") as new:
        write_output(new, "2")
        raise mishap
    yield


def code_of(action, *args, **kwargs):
    with pytest.raises(OutputError) as caught:
        action(*args, **kwargs)
    assert caught.value.text("zh")
    return caught.value.code, caught.value.text("en")


def test_a_new_folder_and_its_parents_are_made(tmp_path):
    target = tmp_path / "maps" / "示例"
    run(target, "1")
    assert is_whole(target, "1")
    assert beside(target) == []


def test_the_new_output_replaces_the_old_one_and_only_that(tmp_path):
    target = tmp_path / "out"
    run(target, "1", names=("zones.csv", "gone.csv", "townships/1.html"))
    (target / "townships" / "我的笔记.txt").write_text("mine")
    (target / "photos").mkdir()
    (target / "photos" / "a.jpg").write_text("picture")
    (target / "empty").mkdir()
    run(target, "2")
    assert is_whole(target, "2")
    files = content(target)
    assert "gone.csv" not in files
    assert (files["townships/我的笔记.txt"], files["photos/a.jpg"]) == ("mine", "picture")
    assert (target / "empty").is_dir()
    assert beside(target) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.lists(st.sampled_from(["a", "B", "评", ".c", "d e"]), min_size=1, max_size=3).map("/".join),
        st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=5),
        max_size=6,
    )
)
def test_what_users_put_there_survives_every_run(tmp_path, files):
    shutil.rmtree(tmp_path)
    target = tmp_path / "out"
    run(target, "1")
    mine = {}
    for name, text in files.items():
        path = target / name
        if not any(parent.is_file() for parent in path.parents) and not path.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            mine[name] = text
    for version in "23":
        run(target, version)
        assert content(target).items() >= mine.items()
        assert is_whole(target, version)


def test_own_files_survive_where_the_disk_knows_no_hard_links(tmp_path, monkeypatch):
    def no_links(*args, **kwargs):
        raise OSError(errno.EPERM, "Operation not permitted")

    target = tmp_path / "out"
    run(target, "1")
    (target / "note.txt").write_text("mine")
    (target / "shortcut").symlink_to("note.txt")
    (target / "elsewhere").symlink_to(tmp_path)
    monkeypatch.setattr(os, "link", no_links)
    run(target, "2")
    assert is_whole(target, "2")
    assert (target / "note.txt").read_text() == "mine"
    assert (target / "shortcut").readlink() == Path("note.txt")
    assert (target / "elsewhere").readlink() == tmp_path


def test_a_disk_that_knows_no_locks_is_written_all_the_same(tmp_path, monkeypatch):
    def no_locks(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    for system in ("fcntl", "msvcrt"):
        monkeypatch.setitem(sys.modules, system, SimpleNamespace(
            lockf=no_locks, locking=no_locks, LOCK_EX=0, LOCK_NB=0, LK_NBLCK=0))  # fmt: skip
    run(tmp_path / "out", "1")
    run(tmp_path / "out", "2")
    assert is_whole(tmp_path / "out", "2")
    assert beside(tmp_path / "out") == []


def test_the_lock_as_windows_has_it(tmp_path, monkeypatch):
    target, calls = tmp_path / "out", []

    def locking(handle, mode, count):
        calls.append((os.lseek(handle, 0, os.SEEK_CUR) > 1000, mode, count))
        if len(calls) > 1:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    run(target, "1")
    assert calls == [(True, 2, 1)]
    assert beside(target) == []
    (tmp_path / ".out.lock").write_text("4711")
    code, text = code_of(run, target, "2")
    assert code == "output.busy"
    assert "process 4711" in text
    assert is_whole(target, "1")


def test_a_link_to_the_output_folder_stays_a_link(tmp_path):
    run(tmp_path / "disk" / "out", "1")
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "out")
    run(tmp_path / "out", "2")
    assert (tmp_path / "out").is_symlink()
    assert is_whole(tmp_path / "disk" / "out", "2")


def test_a_foreign_folder_is_refused_and_untouched(tmp_path):
    target = tmp_path / "documents"
    target.mkdir()
    (target / "thesis.docx").write_text("years of work")
    damaged = '{"made_by": "servicecircle", "files": 3}'
    for manifest in (None, "{}", '{"files": []}', '["x"]', "not json", damaged):
        if manifest:
            (target / "run.json").write_text(manifest)
        assert code_of(refuse_foreign, target)[0] == "output.foreign"
        assert code_of(run, target, "1")[0] == "output.foreign"
    assert content(target)["thesis.docx"] == "years of work"
    assert beside(target) == []


def test_an_empty_folder_and_a_free_name_are_accepted(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "free"):
        refuse_foreign(tmp_path / name)
        run(tmp_path / name, "1")
        assert is_whole(tmp_path / name, "1")


def test_a_file_and_the_working_folder_are_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    assert code_of(refuse_foreign, tmp_path / "file")[0] == "output.not_folder"
    run(tmp_path / "out", "1")
    monkeypatch.chdir(tmp_path / "out" / "townships")
    assert code_of(refuse_foreign, Path(".."))[0] == "output.stood_in"


def test_a_users_file_with_the_name_of_a_new_one_is_not_lost(tmp_path):
    target = tmp_path / "out"
    run(target, "1")
    (target / "report.html").write_text("mine")
    code, text = code_of(run, target, "2", names=("zones.csv", "report.html"))
    assert code == "output.in_the_way"
    assert str(target / "report.html") in text
    assert is_whole(target, "1")
    assert content(target)["report.html"] == "mine"
    assert beside(target) == []


@pytest.mark.parametrize("mishap", [KeyboardInterrupt, ValueError, SystemExit])
def test_a_run_that_fails_leaves_the_old_output_alone(tmp_path, mishap):
    target = tmp_path / "out"
    run(target, "1")
    for place in (target, tmp_path / "never"):
        with pytest.raises(mishap), fails_half_way(place, mishap):
            pass
        assert beside(target) == []
    assert is_whole(target, "1")
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("mishap", [PermissionError(errno.EACCES, "Access is denied"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", range(3))
def test_a_rename_that_fails_is_rolled_back(tmp_path, monkeypatch, failing, mishap):
    target = tmp_path / "out"
    run(target, "1")
    (target / "note.txt").write_text("mine")
    real, seen = os.rename, []

    def rename(source, place):
        if (source, place) not in seen:
            seen.append((source, place))
        if seen.index((source, place)) == failing:
            raise mishap
        real(source, place)

    monkeypatch.setattr(os, "rename", rename)
    if failing == 2 and isinstance(mishap, OSError):  # the old folder's removal: the new one stands already
        run(target, "2")
    elif isinstance(mishap, OSError):
        code, text = code_of(run, target, "2")
        assert code == "output.held"
        assert str(target) in text
        assert "Access is denied" in text
    else:
        with pytest.raises(KeyboardInterrupt):
            run(target, "2")
    monkeypatch.undo()
    assert is_whole(target, "2" if failing == 2 else "1")
    assert content(target)["note.txt"] == "mine"
    recover(target)
    assert is_whole(target, "2" if failing == 2 else "1")
    assert beside(target) == []


def test_a_file_that_is_held_open_is_named(tmp_path, monkeypatch):
    target = tmp_path / "out"
    run(target, "1", names=("zones.csv", "tables.xlsx"))
    real_rename, real_open = os.rename, Path.open

    def rename(source, place):
        if Path(source) == target:
            raise PermissionError(errno.EACCES, "Access is denied", str(source))
        real_rename(source, place)

    def held_open(path, mode="r", *args, **kwargs):
        if path.name == "tables.xlsx" and "+" in mode and path.parent == target:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real_open(path, mode, *args, **kwargs)

    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(Path, "open", held_open)
    code, text = code_of(run, target, "2")
    assert code == "output.held"
    assert str(target / "tables.xlsx") in text
    assert is_whole(target, "1")
    assert beside(target) == []


def test_a_scanner_that_holds_the_folder_for_a_moment_does_no_harm(tmp_path, monkeypatch):
    real, refusals = os.rename, iter([True, True, False] * 10)

    def rename(source, place):
        if next(refusals):
            raise PermissionError
        real(source, place)

    run(tmp_path / "out", "1")
    monkeypatch.setattr(os, "rename", rename)
    run(tmp_path / "out", "2")
    assert is_whole(tmp_path / "out", "2")


def test_a_place_where_nothing_may_be_written(tmp_path, monkeypatch):
    target = tmp_path / "out"
    run(target, "1")
    real = os.open

    def no_new_files(path, flags, *args, **kwargs):
        if flags & os.O_CREAT:
            raise PermissionError(errno.EROFS, "Read-only file system", str(path))
        return real(path, flags, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", no_new_files)
        for action in (recover, lambda target: run(target, "2")):
            code, text = code_of(action, target)
            assert code == "output.read_only"
            assert str(tmp_path) in text
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)
        assert code_of(refuse_foreign, target)[0] == "output.read_only"
    (tmp_path / "file").write_text("")
    assert code_of(run, tmp_path / "file" / "out", "1")[0] == "output.read_only"
    assert is_whole(target, "1")


def test_a_full_disk_and_an_overlong_path_are_explained(tmp_path):
    target = tmp_path / "out"
    run(target, "1")
    with pytest.raises(OutputError) as caught, atomic_folder(target, run_id="2") as new:
        (new / ("long" * 80)).write_text("")
    assert caught.value.code == "output.cannot_write"
    assert str(target / "long") in str(caught.value)
    with pytest.raises(OutputError) as caught, atomic_folder(target, run_id="2"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.code == "output.cannot_write"
    with pytest.raises(ConnectionError), atomic_folder(target, run_id="2"):
        raise ConnectionError  # not about this folder: not dressed up as if it were
    assert is_whole(target, "1")
    assert beside(target) == []


def test_folders_of_other_targets_are_not_leftovers(tmp_path):
    names = [".out.old-2025.new-live", ".out2.new-x", ".other.old-x", "out.new-x", ".out.new-a.b"]
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / ".out.new-dead").mkdir()
    recover(tmp_path / "out")
    assert beside(tmp_path / "out") == sorted(names)


def test_an_old_output_that_stepped_aside_comes_back(tmp_path):
    target = tmp_path / "out"
    run(target, "1")
    target.rename(tmp_path / ".out.old-dead")
    target.mkdir()  # made since, and empty
    recover(target)
    assert is_whole(target, "1")
    assert beside(target) == []


WORKER = textwrap.dedent("""
    import os, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from unit import test_folder
    target, last = Path(sys.argv[1]), int(sys.argv[2])
    touching, steps = {{"os.rename", "os.mkdir", "os.link", "os.remove", "os.rmdir", "open", "os.chmod"}}, 0

    def die_at_the_last_step(event, args):
        global steps
        if event in touching and str(target.parent) in str(args[0]):
            steps += 1
            if steps > last:
                os._exit(9)  # nothing is tidied up: a kill

    sys.addaudithook(die_at_the_last_step)
    test_folder.run(target, "2")
    os._exit(0)
""").format(tests=str(Path(__file__).parents[1]))


def test_killed_at_any_step_the_old_or_the_new_output_is_whole(tmp_path):
    pristine = tmp_path / "pristine" / "out"
    run(pristine, "1")
    (pristine / "note.txt").write_text("mine")
    versions, last = [], 0
    while not versions or versions[-1] != "done":
        target = tmp_path / str(last) / "out"
        shutil.copytree(pristine.parent, target.parent)
        ended = subprocess.run([sys.executable, "-c", WORKER, str(target), str(last)], check=False)
        recover(target)
        version = next(v for v in "12" if is_whole(target, v))
        assert content(target)["note.txt"] == "mine"
        assert beside(target) == []
        run(target, "3")  # and nothing blocks the next
        assert is_whole(target, "3")
        versions.append(version if ended.returncode == 9 else "done")
        last += 1
    assert len(versions) > 15
    assert versions == sorted(versions)
    assert {"1", "2"} < set(versions)


def test_a_live_run_is_left_alone_and_its_kill_frees_the_folder(tmp_path):
    target = tmp_path / "out"
    run(target, "1")
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from servicecircle.outputs.folder import atomic_folder
        with atomic_folder(Path(sys.argv[1]), run_id="live") as new:
            (new / "half.csv").write_text("")
            print("writing", flush=True)
            sys.stdin.read()
    """)
    command = [sys.executable, "-c", script, str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as live:
        assert live.stdout.readline().strip() == b"writing"
        recover(target)
        assert (tmp_path / ".out.new-live" / "half.csv").is_file()
        code, text = code_of(run, target, "2")
        assert code == "output.busy"
        assert f"process {live.pid}" in text
        live.kill()
    assert is_whole(target, "1")
    run(target, "2")
    assert is_whole(target, "2")
    assert beside(target) == []
