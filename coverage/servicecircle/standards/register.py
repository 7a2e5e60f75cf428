"""The register: the clauses of the five documents, and profiles of one's own that extend them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from servicecircle.errors import InputError
from servicecircle.slips import line_of, toml_slip, wrong_value
from servicecircle.standards.clause import Clause, Profile

PROFILES = ("xuchang", "jiaozuo", "puyang", "luohe", "tanghe")


class _Written(Profile):
    """A profile file as it is written: its clauses may hold only the keys that they change."""

    remove: tuple[str, ...] = ()
    clauses: tuple[dict[str, Any], ...] = ()  # type: ignore[assignment]


def load_profile(profile: str | Path, *, folder: Path | None = None) -> Profile:
    """
    Return a profile by its name, or from a TOML file of one's own.

    A file may name a profile that it `extends`: a clause of the same id then changes only the keys given,
    other clauses are added, and those listed in `remove` are left out.

    Parameters
    ----------
    folder
        Where a relative path starts.

    Raises
    ------
    InputError
        There is no such profile; or the file, the line and the key that is wrong.
    """
    if profile in PROFILES:
        return _built_in(str(profile))
    return _from_file((folder or Path()) / profile, known=())


def profile_files(path: Path) -> list[Path]:
    """Return a profile file and those that it extends, as far as they can be read."""
    found: list[Path] = []
    while path.suffix == ".toml" and path.is_file() and path.resolve() not in found:
        found.append(path.resolve())
        try:
            path = path.parent / str(tomllib.loads(_text_of(path)).get("extends", ""))
        except (InputError, tomllib.TOMLDecodeError, RecursionError):  # who loads it will say
            break
    return found


def all_profiles() -> tuple[Profile, ...]:
    """Return the profiles of the five documents."""
    return tuple(map(_built_in, PROFILES))


@lru_cache(len(PROFILES))
def _built_in(name: str) -> Profile:
    text = resources.files(__package__).joinpath(f"profiles/{name}.toml").read_text("utf-8")
    return Profile.model_validate({"id": name, **tomllib.loads(text)})


def _from_file(path: Path, *, known: tuple[Path, ...]) -> Profile:
    """Read a file; `known` are those that extend it."""
    if path.suffix != ".toml" or not path.is_file():
        raise InputError("standards.no_profile", where=str(path), known=", ".join(PROFILES))
    text = _text_of(path)
    try:
        written = _Written.model_validate({"id": path.stem, **tomllib.loads(text)})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise toml_slip(path, text, error) from error
    except ValidationError as error:
        raise wrong_value(path, text, error) from error
    base = _base_of(path, text, written.extends, known)
    clauses = _Clauses(path, text, {clause.id: clause for clause in base.clauses}, written)
    own = {key: getattr(written, key) for key in written.model_fields_set - {"remove", "clauses"}}
    return base.model_copy(update={**own, "clauses": clauses.merged()})


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("standards.not_a_profile", where=str(path), why=str(error)) from error


def _base_of(path: Path, text: str, extends: str, known: tuple[Path, ...]) -> Profile:
    if not extends:
        return Profile()
    where = f"{path}:{line_of(text, ['extends'])}"
    if extends in PROFILES:
        return _built_in(extends)
    base = path.parent / extends
    if base.resolve() in {path.resolve(), *known}:
        raise InputError("standards.circular", where=where, extends=extends)
    if base.suffix != ".toml" or not base.is_file():
        raise InputError("standards.no_profile", where=where, known=", ".join(PROFILES))
    return _from_file(base, known=(*known, path.resolve()))


@dataclass(frozen=True, slots=True, eq=False)
class _Clauses:
    """The clauses of a file, laid over those of the profile that it extends."""

    path: Path
    text: str
    base: dict[str, Clause]
    written: _Written

    def merged(self) -> tuple[Clause, ...]:
        """Return the base's clauses in their order, changed and without those removed, then the new ones."""
        for number, id_ in enumerate(self.written.remove):
            if id_ not in self.base:
                raise self._no_clause(id_, ["remove", number])
        left = {id_: clause for id_, clause in self.base.items() if id_ not in self.written.remove}
        own: set[str] = set()
        for number, keys in enumerate(self.written.clauses):
            clause = self._clause(number, keys, left.get(str(keys.get("id"))))
            if clause.id in own:
                raise InputError(
                    "standards.clause_twice", where=self._where(["clauses", number, "id"]), id=clause.id
                )
            own.add(clause.id)
            left[clause.id] = clause
        return tuple(left.values())

    def _clause(self, number: int, keys: dict[str, Any], base: Clause | None) -> Clause:
        start = base.model_dump(exclude_unset=True) if base is not None else {}
        if self.written.extends and not {"phrase", "kind"} & (keys.keys() | start.keys()) and "id" in keys:
            raise self._no_clause(str(keys["id"]), ["clauses", number, "id"])
        try:
            clause = Clause.model_validate({**start, **_with_test(keys, base)})
            if clause.state == "measurable" and clause.test is None:
                raise _no_test()
        except ValidationError as error:
            loc = error.errors(include_url=False)[0]["loc"]
            raise wrong_value(
                self.path, self.text, error, where=["clauses", number, *_written_at(loc)]
            ) from error
        return clause

    def _no_clause(self, id_: str, where: list[Any]) -> InputError:
        return InputError(
            "standards.no_clause", where=self._where(where), id=id_, extends=self.written.extends or "-"
        )

    def _where(self, where: list[Any]) -> str:
        return f"{self.path}:{line_of(self.text, where)}"


def _no_test() -> ValidationError:
    slip = PydanticCustomError("no_test", "a clause that is judged needs a test")
    return ValidationError.from_exception_data("Clause", [{"type": slip, "loc": ("test",), "input": None}])


def _with_test(keys: dict[str, Any], base: Clause | None) -> dict[str, Any]:
    """
    Return the keys of a clause with its whole test.

    A test changes only the keys given, unless it measures something else; `circle = "15min"` beside the
    phrase is short for the test of a circle.
    """
    given = dict(keys)
    if "circle" in given and "test" not in given:
        given["test"] = {"measure": "circle", "circle": given.pop("circle")}
    test = given.get("test")
    if isinstance(test, dict) and base is not None and base.test is not None:
        before = base.test.model_dump(exclude_unset=True)
        if test.get("measure", before["measure"]) == before["measure"]:
            given["test"] = {**before, **test}
    return given


def _written_at(loc: tuple[int | str, ...]) -> list[int | str]:
    """Return where a key stands in the file: a test's measure, which tells its model, is no table there."""
    return [part for at, part in enumerate(loc) if not (at == 1 and loc[0] == "test")]
