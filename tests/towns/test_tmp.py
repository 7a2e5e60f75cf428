import pytest, time
from towns.drawing import Town
@pytest.mark.parametrize("s", ["gpkg","osm","osm.pbf"])
def test_first(tmp_path, s):
    t=time.time()
    town = Town(r'''
        A----B----C
             |
             D    p
        ''', people={"A": 10, "p": 5, "D 30E 40S": 1}, facilities={"F": "C"}, streets=s)
    a = town.run(tmp_path)
    print(a.run.people.T, a.run.zones.T, a.run.segments, a.run.gaps.T, a.run.circles.T, a.run.facilities.T, time.time()-t)
    print(repr(a.person("A").metres), a.facility("F").geometry.x)
