"""PostGIS as a source and as a sink, against a real server that the tests start themselves."""

import json
import pickle
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pandas.testing import assert_frame_equal
from shapely.geometry import LineString, Point

import servicecircle as sc
from conftest import postgres_programs
from servicecircle import pipeline
from servicecircle.checks.inputs import check_inputs
from servicecircle.database import Database, is_database, redacted
from servicecircle.errors import InputError, OutputError
from servicecircle.outputs import postgis as sink
from servicecircle.sources.postgis import hold_tables, read_rows
from servicecircle.sources.tables import read_table
from servicecircle.study import Study
from unit.made_results_small import HOSTILE, small_results
from unit.postgis_server import PASSWORD, running
from unit.small_town import LAT, LON, STEP, SmallTown, command, findings_of, zones

HOST = "postgresql://boss@127.0.0.1:1/geo"
TABLES = {"zones", "gaps", "facilities", "people", "segments", "circles", "verdicts", "findings", "run"}


@pytest.fixture(scope="session")
def server():
    with running(postgres_programs()) as started:
        yield started


@pytest.fixture(autouse=True)
def _no_login_of_this_machine(monkeypatch, tmp_path):
    for name in ("PGPASSWORD", "PGUSER", "PGHOST", "PGPORT", "PGDATABASE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("postgres://me:se@cret@host:5432/db", "postgres://me:***@host:5432/db"),
        ("postgresql://me:12?secret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:se/cret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:12/secret@host/db", "postgresql://me:***@host/db"),
        ("postgresql+psycopg://me:secret@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql:/me:secret@host/db", "postgresql:/me:***@host/db"),
        ("postgresql://host/db?user=me&password=secret", "postgresql://host/db?user=me&password=***"),
        ("postgresql://me@host:5432/db  # ask me@office", "postgresql://me@host:5432/db  # ask me@office"),
        ('source = "postgresql://:secret@host"\nb = "x@y"', 'source = "postgresql://:***@host"\nb = "x@y"'),
    ],
)
def test_no_password_is_ever_shown(written, shown):
    assert redacted(written) == shown
    assert redacted(shown) == shown
    assert "secret" not in str(InputError("postgis.no_server", where=written, why=written))


def test_a_database_shows_neither_password_nor_parameters_and_survives_a_pickle():
    database = Database("postgresql://me:secret@host/db?sslmode=require&password=secret", "public.roads")
    assert database == "postgresql://me:***@host/db (public.roads)"
    assert "secret" not in repr(database)
    again = pickle.loads(pickle.dumps(database))
    assert (again, again.url, again.layer) == (database, database.url, database.layer)
    assert is_database("postgres://host")
    assert not is_database("roads/postgresql.gpkg")


def database_study(tmp_path, text=""):
    study = f"""[streets]
layer = "public.roads"
source = "postgresql://boss:{PASSWORD}@127.0.0.1:1/geo"
[[facilities]]
source = "f.csv"
[[zones]]
level = "village"
source = "z.gpkg"
[people]
source = "p.tif"
{text}"""
    path = tmp_path / "study.toml"
    path.write_text(study, "utf-8")
    return path


def test_the_study_keeps_the_password_to_itself(tmp_path):
    study = Study.from_file(database_study(tmp_path, f'[output]\npostgis = "{HOST}?password={PASSWORD}"\n'))
    assert isinstance(study.streets.source, Database)
    assert PASSWORD in study.streets.source.url
    assert PASSWORD in study.output.postgis.url
    for shown in (study.text, repr(study), str(study.model_dump()), study.model_dump_json()):
        assert "s3cr3t" not in shown


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('layer = "public.roads"\n', "", "layer = "),
        ("[people]", '[output]\npostgis = "somewhere.gpkg"\n[people]', "postgresql://"),
        ("[[facilities]]", f'extra = ["postgresql://b:{PASSWORD}@h/g"]\n[[facilities]]', "#public.roads"),
        ("[[facilities]]", f'barriers = "postgresql://b:{PASSWORD}@h/g"\n[[facilities]]', "#public.roads"),
        ('geo"', "geo", "TOML"),
        ('source = "z.gpkg"', 'source = "z.gpkg"\nlayers = "x"', "layers"),
    ],
)
def test_slips_in_the_study_are_named_without_the_password(tmp_path, old, new, says):
    path = database_study(tmp_path)
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(InputError) as caught:
        Study.from_file(path)
    assert says in str(caught.value)
    assert "s3cr3t" not in str(caught.value) + caught.value.text("zh")


def test_without_the_extra_one_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    ran = command("run", "-l", "en", database_study(tmp_path))
    assert ran.code == 2
    assert 'pip install "servicecircle[postgis]"' in ran.err
    assert "s3cr3t" not in ran.err
    assert "Traceback" not in ran.err
    with pytest.raises(InputError) as caught:
        sink.write_postgis(results_into(HOST), "{}")
    assert caught.value.code == "postgis.not_installed"


# ---------------------------------------------------------------- source


def roads():
    """Return the small town's streets, a line each; the crossing of 中街 is no vertex of all of them."""
    rows = [[(LON, y), (LON + 2 * STEP, y)] for y in (LAT, LAT + STEP, LAT + 2 * STEP)]
    lines = [*map(LineString, rows), LineString([(LON + STEP, LAT), (LON + STEP, LAT + 2 * STEP)])]
    return gpd.GeoDataFrame({"name": [None, "东路'; --", None, "中街"]}, geometry=lines, crs=4326)


def homes():
    places = [(LON + i % 3 * STEP + 0.0001, LAT + i // 3 * STEP + 0.0001) for i in range(9)]
    return gpd.GeoDataFrame({"人口": range(1, 10)}, geometry=[Point(p) for p in places], crs=4326)


def care():
    data = {"编号": ["F1", "F2"], "名称": ["幸福院", HOSTILE], "类型": ["村级幸福院", "幸福院"]}
    points = [Point(LON + STEP, LAT + 0.0002), Point(LON + 2 * STEP, LAT + 2 * STEP)]
    return gpd.GeoDataFrame({**data, "状态": ["运营中", None]}, geometry=points, crs=4326)


FRAMES = {"streets.osm": roads, "facilities.csv": care, "zones.gpkg": zones, "people.csv": homes}


def file_town(folder, **options):
    """Write the small town with a GeoPackage for each input."""
    names = {name: f"{name.split('.')[0]}.gpkg" for name in FRAMES}
    town = SmallTown(folder).write(sources=names, **options)
    for name, frame in FRAMES.items():
        frame().to_file(folder / names[name])
    return town


def database_town(folder, server, **options):
    """Write the small town with a table for each input, its rows in another order."""
    town = SmallTown(folder).write(**options)
    text = town.study.read_text("utf-8")
    for name, frame in FRAMES.items():
        table = name.split(".")[0]
        server.put(frame().sample(frac=1, random_state=3), table)
        source = f'source = "{server.url()}"\nlayer = "public.{table}"'
        text = text.replace(f'source = "{name}"', source)
        (folder / name).unlink()
    town.study.write_text(text, "utf-8")
    return town


def source(server, layer, **login):
    return Database(server.url(**login), layer)


def code_of(call, *arguments, **options):
    with pytest.raises((InputError, OutputError)) as caught:
        call(*arguments, **options)
    assert "s3cr3t" not in str(caught.value) + caught.value.text("zh")
    return caught.value.code


@pytest.mark.postgis
def test_a_study_from_tables_equals_the_same_study_from_files(tmp_path, server):
    files, tables = file_town(tmp_path / "a"), database_town(tmp_path / "b", server)
    for town in (files, tables):
        ran = command("run", "-q", town.study)
        assert (ran.code, ran.err) == (0, "")
    for name in ("zones", "verdicts", "gaps", "facilities"):
        one, two = ((town.output / f"{name}.csv").read_bytes() for town in (files, tables))
        assert one == two, name
    for layer in ("people", "segments", "circles"):
        one, two = (gpd.read_file(t.output / "coverage.gpkg", layer=layer) for t in (files, tables))
        assert_frame_equal(pd.DataFrame(one), pd.DataFrame(two))
    assert [f["code"] for f in findings_of(files)] == [f["code"] for f in findings_of(tables)]
    for name, content in tables.files().items():
        assert name == "study.toml" or b"s3cr3t" not in content, name


@pytest.mark.postgis
def test_roads_of_ones_own_and_barriers_are_read_from_tables_too(tmp_path, server):
    line = LineString([(LON - STEP, LAT + 3 * STEP), (LON + 3 * STEP, LAT + 3 * STEP)])
    road = LineString([(LON, LAT), (LON, LAT + STEP)])
    server.put(gpd.GeoDataFrame({"name": ["河"]}, geometry=[line], crs=4326), "rivers")
    server.put(gpd.GeoDataFrame({"name": ["乡道"]}, geometry=[road], crs=4326), "rural")
    keys = f'extra = ["{server.url()}#public.rural"]\nbarriers = "{server.url()}#public.rivers"'
    town = database_town(tmp_path, server, keys={"streets": keys})
    inputs = check_inputs(Study.from_file(town.study))
    assert len(inputs.barriers) == 1
    assert inputs.streets.counts["roads_added_m"] > 300
    roles = {digest["role"] for digest in inputs.digests}
    assert {"streets.extra", "streets.barriers"} <= roles
    assert "s3cr3t" not in str(inputs.digests) + str(list(inputs.findings))


@pytest.mark.postgis
def test_the_digests_are_of_the_rows_whatever_their_order(tmp_path, server):
    study = Study.from_file(database_town(tmp_path, server).study)
    seen = []
    for frame in (roads(), roads()[::-1], roads().assign(name="x")):
        server.put(frame, "streets")
        seen.append({entry["role"]: entry for entry in sc.check(study).digests})
    assert set(seen[0]) == {"streets", "facilities", "zones.village", "people"}
    assert seen[0]["streets"]["name"] == "geo (public.streets)"
    assert seen[0] == seen[1]
    assert seen[0]["streets"]["sha256"] != seen[2]["streets"]["sha256"]


@pytest.mark.postgis
def test_check_reads_tables_too(tmp_path, server):
    town = database_town(tmp_path, server)
    assert command("check", town.study).code == 0
    assert "s3cr3t" not in (tmp_path / "check.html").read_text("utf-8")


@pytest.mark.postgis
def test_streets_are_read_by_themselves(server):
    server.put(roads(), "streets")
    network = sc.read_streets(server.url(), layer="public.streets")
    assert len(network.u) == 8  # 中街 parts each row of streets in two, and is parted by the middle one
    assert code_of(sc.read_streets, server.url(), layer="public.none") == "postgis.no_table"


@pytest.mark.postgis
def test_all_tables_are_of_one_snapshot(tmp_path, server, monkeypatch):
    """A village that is added while the tables are read is in none of them."""
    from servicecircle.sources import postgis

    study = Study.from_file(database_town(tmp_path, server).study)
    read_one = postgis._read_one

    def slowly(connection, table):
        rows = read_one(connection, table)
        server.execute("INSERT INTO zones SELECT '1', '迟到', geometry FROM zones LIMIT 1")
        return rows

    monkeypatch.setattr(postgis, "_read_one", slowly)
    held = hold_tables(study)
    assert len(read_rows(held.zones[0].source)) == 2
    assert server.execute("SELECT count(*) FROM zones") == [(6,)]


@pytest.mark.postgis
def test_databases_that_differ_in_a_parameter_are_told_apart(tmp_path, server):
    server.put(zones(name=["甲", "乙"]), "zones")
    server.execute("DROP SCHEMA IF EXISTS later CASCADE", "CREATE SCHEMA later")
    server.execute("CREATE TABLE later.zones AS SELECT * FROM zones LIMIT 1")
    study = Study.from_file(database_study(tmp_path))
    first, second = (f"{server.url()}?options=-csearch_path%3D{path}" for path in ("public", "later,public"))
    tables = [{"level": "village", "source": url, "layer": "zones"} for url in (first, second)]
    named = {"streets": {"source": "s.osm"}, "zones": tables, "facilities": [{"source": "f.csv"}]}
    held = hold_tables(Study.model_validate({**named, "people": study.people.model_dump()}))
    assert [len(read_rows(table.source)) for table in held.zones] == [2, 1]


@pytest.mark.postgis
def test_rows_come_by_key_and_values_keep_their_kind(server):
    server.execute(
        "DROP TABLE IF EXISTS kinds",
        """CREATE TABLE kinds (id int PRIMARY KEY, code bigint, whole int, share float8, exact numeric,
        day date, flag bool, notes jsonb, geom geometry(PointZ, 4490))""",
        """INSERT INTO kinds VALUES
        (10, 41090220020100123, 5, 0.5, 1234.50, '2020-02-01', true, '{"a": 1}', NULL),
        (9, NULL, 7, NULL, 'NaN', 'infinity', NULL, NULL, 'SRID=4490;POINT Z (115 35 7)')""",
    )
    table = read_table(source(server, "kinds"))
    frame = table.frame
    assert frame["id"].tolist() == [9, 10]
    assert frame["code"].tolist() == [None, 41090220020100123]
    assert frame["whole"].tolist() == [7, 5]
    assert np.isnan(frame["share"][0])
    assert frame["exact"].tolist() == ["NaN", "1234.50"]
    assert frame["day"].tolist() == ["infinity", "2020-02-01"]
    assert frame["flag"].tolist() == [None, "true"]
    assert frame.crs.to_epsg() == 4490
    assert shapely.to_wkt(frame.geometry[0]) == "POINT Z (115 35 7)"
    assert frame.geometry[1] is None
    assert table.rows.tolist() == [2, 3]


@pytest.mark.postgis
def test_names_are_identifiers_whatever_they_hold(server):
    schema, table = '"we.ird ""S"""', '"; DROP TABLE x"'
    columns = '"SELECT %s" text, "a""b" text, "geometry" text, "Geom" geography(Point)'
    values = "('%s {} '';', E'\\x01', 'text', 'POINT(115 35)')"
    server.execute(
        f"DROP SCHEMA IF EXISTS {schema} CASCADE",
        f"CREATE SCHEMA {schema}",
        f"CREATE TABLE {schema}.{table} ({columns})",
        f"INSERT INTO {schema}.{table} VALUES {values}",
    )
    frame = read_table(source(server, f"{schema}.; DROP TABLE x")).frame
    assert frame["SELECT %s"].tolist() == ["%s {} ';"]
    assert frame["geometry_"].tolist() == ["text"]
    assert frame.geometry.tolist() == [Point(115, 35)]
    assert frame.crs.to_epsg() == 4326
    for layer in ("x; DROP TABLE kinds", "a'b", "public.a.b", '"', ".", "x\ny", "pg_catalog.none", "表"):
        assert code_of(read_table, source(server, layer)) in {"postgis.no_table", "postgis.layer_name"}


@pytest.mark.postgis
def test_what_is_wrong_with_a_table_is_one_clear_error(server, tmp_path):
    server.execute(
        "DROP TABLE IF EXISTS bare, nowhere, mixed, nothing, two, unknown, secret, curved",
        "CREATE TABLE bare (name text)",
        "INSERT INTO bare VALUES ('甲')",
        "CREATE TABLE nowhere (geom geometry)",
        "INSERT INTO nowhere VALUES ('LINESTRING(0 0, 1 1)')",
        "CREATE TABLE mixed (geom geometry)",
        "INSERT INTO mixed VALUES ('SRID=4326;POINT(1 1)'), ('SRID=4490;POINT(1 1)')",
        "CREATE TABLE nothing (geom geometry(LineString, 4326))",
        "CREATE TABLE two (a geometry, b geography)",
        "CREATE TABLE unknown (geom geometry)",
        "INSERT INTO unknown VALUES ('SRID=999111;POINT(1 1)')",
        "CREATE TABLE secret (geom geometry)",
        "DROP ROLE IF EXISTS guest",
        "CREATE ROLE guest LOGIN PASSWORD 's3cr3t-guest'",
    )
    read = sc.read_streets
    url = server.url()
    assert code_of(read, url, layer="bare") == "postgis.no_geometry"
    assert code_of(read, url, layer="nowhere") == "postgis.no_srid"
    assert code_of(read, url, layer="mixed") == "postgis.mixed_srid"
    assert code_of(read, url, layer="nothing") == "postgis.empty"
    assert code_of(read, url, layer="two") == "postgis.two_geometries"
    assert code_of(read, url, layer="unknown") == "postgis.unknown_srid"
    assert code_of(read, url) == "postgis.layer_name"
    guest = server.url(user="guest", password="s3cr3t-guest")
    assert code_of(read, guest, layer="public.secret") == "postgis.refused"
    assert code_of(read, server.url(database="none"), layer="bare") == "postgis.no_server"
    assert code_of(read, server.url(password="s3cr3t-wrong"), layer="bare") == "postgis.no_server"
    assert code_of(read, f"postgresql://boss:{PASSWORD}@127.0.0.1:1/geo", layer="x") == "postgis.no_server"
    assert code_of(read, "postgresql://boss:s3cr3t%zz@127.0.0.1/geo", layer="x") == "postgis.address"
    assert code_of(read, "postgresql://127.0.0.1:1/s3cr3t@x/geo", layer="x") == "postgis.no_server"


@pytest.mark.postgis
def test_a_facility_table_may_say_its_crs_or_have_no_geometry(server, tmp_path):
    server.execute(
        "DROP TABLE IF EXISTS unplaced, plain",
        "CREATE TABLE unplaced AS SELECT 1 AS id, ST_MakePoint(115, 35) AS geom",
        "CREATE TABLE plain AS SELECT '幸福院' AS name, '115.02,35.7' AS 经纬度",
    )
    assert read_table(source(server, "unplaced"), crs="EPSG:4490").frame.crs.to_epsg() == 4490
    assert read_table(source(server, "plain")).frame["经度"].tolist() == ["115.02"]


@pytest.mark.postgis
@pytest.mark.parametrize("how", ["variable", "file"])
def test_the_password_may_stay_out_of_the_study(server, tmp_path, monkeypatch, how):
    server.put(roads(), "streets")
    if how == "variable":
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
    else:
        kept = tmp_path / "pgpass"
        kept.write_text(f"127.0.0.1:{server.port}:geo:boss:{PASSWORD.replace(':', chr(92) + ':')}\n")
        kept.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(kept))
    assert len(read_rows(source(server, "streets", password=None))) == 4


# ---------------------------------------------------------------- sink


def results_into(url, *, schema=None, study="small", **frames):
    """Return the results drawn by hand, of a study that names a database."""
    from dataclasses import replace

    results = small_results()
    given = {"schema": schema} if schema else {}
    output = results.study.output.model_validate({"postgis": url, **given})
    named = results.study.study.model_copy(update={"id": study})
    changed = results.study.model_copy(update={"output": output, "study": named})
    return replace(results, study=changed, **frames)


def read_back(server, table, schema="small"):
    import sqlalchemy

    url = sqlalchemy.URL.create(
        "postgresql+psycopg", "boss", PASSWORD, host="127.0.0.1", port=server.port, database="geo"
    )
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    order = f'SELECT * FROM "{schema}"."{table}" ORDER BY row_id'
    if table in {"verdicts", "findings", "run"}:
        return pd.read_sql(order, engine)
    return gpd.read_postgis(order, engine)


@pytest.fixture
def clean(server):
    server.execute(
        "DROP SCHEMA IF EXISTS small CASCADE",
        "DROP SCHEMA IF EXISTS other CASCADE",
        """DROP SCHEMA IF EXISTS "a ""b"".; --" CASCADE""",
    )
    return server


MANIFEST = json.dumps({
    "version": "1", "started_at": "2026-06-30T08:00:00+00:00", "study": {"as_of": "2026-06-30"},
    "note": "\x00 C:\\u0000",
})  # fmt: skip


@pytest.mark.postgis
def test_results_are_read_back_as_they_were(clean):
    results = results_into(clean.url())
    sink.write_postgis(results, MANIFEST)
    back = {name: read_back(clean, name) for name in TABLES}
    for name in sink.LAYERS:
        frame, again = getattr(results, name), back[name]
        assert again.crs.to_epsg() == 4547
        assert again["row_id"].tolist() == list(range(1, len(frame) + 1))
        assert shapely.normalize(again.geometry.array).tolist() == [
            shape if shape is None else shapely.normalize(whole(shape, name)) for shape in frame.geometry
        ]
    zone = back["zones"].iloc[0]
    assert (zone["name"], zone["share_low"], zone["people_within"]) == (HOSTILE, 1 / 3, 0.1 + 0.2)
    assert zone["p90_seconds"] is None or np.isnan(zone["p90_seconds"])
    assert back["zones"]["name"][1] == "东关社区"
    assert back["people"]["within"].tolist() == [True, False, False]
    assert back["people"]["person_id"].tolist() == [0, 1, 2]
    assert back["verdicts"]["evidence"].tolist() == ["=1+1"]
    assert back["findings"]["row"].tolist() == [3]
    run = back["run"].iloc[0]
    assert (run["study_id"], run["manifest"]["note"]) == ("small", " C:\\u0000")


def whole(shape, name):
    return shapely.MultiPolygon([shape]) if name == "zones" and shape.geom_type == "Polygon" else shape


@pytest.mark.postgis
def test_columns_have_a_type_an_srid_and_an_index(clean):
    sink.write_postgis(results_into(clean.url()), "{}")
    columns = clean.execute(
        "SELECT f_table_name, type, srid FROM geometry_columns WHERE f_table_schema = 'small' ORDER BY 1"
    )
    assert columns == [
        ("circles", "POLYGON", 4547), ("facilities", "POINT", 4547), ("gaps", "MULTIPOINT", 4547),
        ("people", "POINT", 4547), ("segments", "LINESTRING", 4547), ("zones", "MULTIPOLYGON", 4547),
    ]  # fmt: skip
    indexed = clean.execute(
        "SELECT tablename FROM pg_indexes WHERE schemaname = 'small' AND indexdef LIKE '%USING gist%'"
    )
    assert sorted(name for (name,) in indexed) == [name for name, _, _ in columns]


@pytest.mark.postgis
def test_a_run_replaces_its_former_run_and_nothing_else(clean):
    sink.write_postgis(results_into(clean.url()), "{}")
    clean.execute("CREATE TABLE small.mine AS SELECT 1 AS a", "GRANT USAGE ON SCHEMA small TO PUBLIC")
    sink.write_postgis(results_into(clean.url(), people=small_results().people[:1]), "{}")
    assert len(read_back(clean, "people")) == 1
    assert clean.execute("SELECT a FROM small.mine") == [(1,)]
    # another study may not write over it, nor over tables of other making
    before = clean.execute("SELECT study_id FROM small.run")
    other = results_into(clean.url(), schema="small", study="second")
    assert code_of(sink.check_sink, other.study) == "postgis.taken"
    assert code_of(sink.write_postgis, other, "{}") == "postgis.taken"
    assert clean.execute("SELECT study_id FROM small.run") == before
    clean.execute("CREATE SCHEMA other", "CREATE VIEW other.zones AS SELECT 1 AS a")
    assert code_of(sink.write_postgis, results_into(clean.url(), schema="other"), "{}") == "postgis.taken"
    assert clean.execute("SELECT a FROM other.zones") == [(1,)]


@pytest.mark.postgis
@pytest.mark.parametrize("failure", ["raise", "interrupt", "view", "owner", "surrogate"])
def test_whatever_goes_wrong_the_old_tables_stay_whole(clean, monkeypatch, failure):
    sink.write_postgis(results_into(clean.url()), MANIFEST)
    tables = {name: read_back(clean, name) for name in TABLES}
    fewer = {"people": small_results().people[:0], "segments": small_results().segments[:1]}
    results = results_into(clean.url(), **fewer)
    expected = OutputError
    if failure in {"raise", "interrupt"}:
        index, expected = sink._index, KeyboardInterrupt if failure == "interrupt" else ZeroDivisionError

        def fails(connection, schema, name):
            index(connection, schema, name)
            if name == "segments":
                raise expected

        monkeypatch.setattr(sink, "_index", fails)
    elif failure == "view":
        clean.execute("CREATE VIEW small.mine AS SELECT * FROM small.segments")
    elif failure == "owner":
        clean.execute(
            "DROP ROLE IF EXISTS clerk",
            "CREATE ROLE clerk LOGIN PASSWORD 'pw'",
            "GRANT ALL ON SCHEMA small TO clerk",
        )
        login = clean.url(user="clerk", password="pw")
        results = results_into(login, **fewer)
    else:
        monkeypatch.setattr(sink, "printable", lambda text: text + "\ud800")
    with pytest.raises(expected):
        sink.write_postgis(results, "{}")
    for name, table in tables.items():
        assert_frame_equal(pd.DataFrame(read_back(clean, name)), pd.DataFrame(table))
    if failure == "owner":
        clean.execute("DROP OWNED BY clerk", "DROP ROLE clerk")


@pytest.mark.postgis
def test_a_user_who_may_only_write_to_one_schema_can(clean):
    clean.execute(
        "DROP ROLE IF EXISTS planner",
        "CREATE ROLE planner LOGIN PASSWORD 'pw'",
        "CREATE SCHEMA small AUTHORIZATION planner",
        "CREATE SCHEMA other",
    )
    login = clean.url(user="planner", password="pw")
    sink.write_postgis(results_into(login), "{}")
    assert len(read_back(clean, "people")) == 3
    assert code_of(sink.write_postgis, results_into(login, schema="other"), "{}") == "postgis.not_written"
    assert code_of(sink.write_postgis, results_into(login, schema="third"), "{}") == "postgis.not_written"
    clean.execute("DROP OWNED BY planner CASCADE", "DROP ROLE planner")


@pytest.mark.postgis
def test_hostile_names_of_schemas_and_groups(clean):
    schema = 'a "b".; --'
    zones_ = small_results().zones.assign(**{'x"; DROP TABLE zones; --': 1})
    sink.write_postgis(results_into(clean.url(), schema=schema, zones=zones_), "{}")
    assert clean.execute("""SELECT count(*) FROM "a ""b"".; --".zones""") == [(2,)]
    for name, code in (("长" * 22, "postgis.schema_name"), ("a\0b", "postgis.not_written")):
        assert code_of(sink.write_postgis, results_into(clean.url(), schema=name), "{}") == code


@pytest.mark.postgis
def test_a_database_without_postgis_and_a_crs_without_a_code_are_refused(clean):
    login = clean.url(database="postgres")
    assert code_of(sink.check_sink, results_into(login).study) == "postgis.no_extension"
    results = results_into(clean.url())
    own = "+proj=tmerc +lat_0=0 +lon_0=114.2 +x_0=500000 +ellps=GRS80 +units=m"
    study = results.study.model_copy(update={"study": results.study.study.model_copy(update={"crs": own})})
    assert code_of(sink.check_sink, study) == "postgis.no_code"


def with_sink(town, server):
    text = town.study.read_text("utf-8")
    town.study.write_text(f'{text}\npostgis = "{server.url()}"\nschema = "small"\n', "utf-8")
    return town


@pytest.mark.postgis
def test_a_run_writes_folder_and_database_and_keeps_both_when_either_fails(tmp_path, clean, monkeypatch):
    town = with_sink(file_town(tmp_path), clean)
    assert command("run", "-q", town.study).code == 0
    assert clean.execute("SELECT sum(people) FROM small.people") == [(45.0,)]
    stored = clean.execute("SELECT manifest FROM small.run")[0][0]
    assert stored == json.loads((town.output / "run.json").read_text("utf-8"))
    assert "s3cr3t" not in json.dumps(stored)
    before = town.files()
    clean.execute("CREATE VIEW small.mine AS SELECT * FROM small.gaps")
    ran = command("run", "-q", "-l", "en", town.study)
    assert ran.code == 2
    assert "cannot be written to the database" in ran.err
    assert "s3cr3t" not in ran.err
    assert town.files() == before
    clean.execute("DROP VIEW small.mine")

    def full(*_, **__):
        raise OutputError("output.cannot_write", path="x", why="disk full")

    monkeypatch.setattr(pipeline, "write_pages", full)
    assert command("run", "-q", town.study).code == 2
    clean.execute("COMMENT ON TABLE small.run IS 'mine'")
    monkeypatch.setattr(pipeline, "check_inputs", full)  # a sink that is not ours is refused before any work
    ran = command("run", "-q", "-l", "en", town.study)
    assert (ran.code, "no run of this study wrote" in ran.err) == (2, True)
    assert town.files() == before
    assert clean.execute("SELECT manifest FROM small.run") == [(stored,)]
