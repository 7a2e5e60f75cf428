"""The parts of a change, whatever the figures: they sum to the whole, and no order is preferred."""

from itertools import chain, combinations
from math import fsum, isclose

from hypothesis import given
from hypothesis import strategies as st

from properties.networks import examples
from servicecircle.history.change import MOST_FIELDS, PARTS, decompose, shown_points
from servicecircle.units import percent

WAYS = [part for part in PARTS if part != "program"]
SHARES = st.floats(0, 1)


def mixes(parts):
    return [frozenset(c) for c in chain.from_iterable(combinations(parts, n) for n in range(len(parts) + 1))]


@st.composite
def games(draw, values=SHARES, most=4):
    """Draw the parts that changed, and a figure for every mix of them."""
    parts = draw(st.lists(st.sampled_from(WAYS), unique=True, max_size=most))
    return parts, {mix: draw(values) for mix in mixes(parts)}


def shares(parts, figures):
    change = decompose(lambda mix: {"figure": figures[mix]}, parts)
    return change.parts["figure"], change.whole["figure"]


@examples(200)
@given(games() | games(st.floats(-1e9, 1e9)) | games(st.floats(0, 1e-12)))
def test_parts_sum_to_the_whole_to_the_last_bit(game):
    parts, figures = game
    found, whole = shares(parts, figures)
    assert found.keys() == set(parts)
    assert fsum(found.values()) == whole
    assert sum(reversed(list(found.values()))) == whole
    largest = max(map(abs, figures.values()))
    assert isclose(whole, figures[frozenset(parts)] - figures[frozenset()], abs_tol=1e-12 * largest)


@examples(100)
@given(games(), st.randoms())
def test_the_order_in_which_parts_are_named_does_not_matter(game, chance):
    parts, figures = game
    again = list(parts)
    chance.shuffle(again)
    assert shares(parts, figures) == shares(again, figures)


@examples(100)
@given(games(most=3), st.sampled_from(WAYS))
def test_a_part_without_effect_gets_nothing_and_takes_nothing(game, idle):
    parts, figures = game
    parts = [part for part in parts if part != idle]
    more = {mix: figures[mix - {idle}] for mix in mixes([*parts, idle])}
    found, _ = shares([*parts, idle], more)
    assert found.pop(idle) == 0.0
    without, _ = shares(parts, figures)
    assert all(isclose(found[part], without[part], abs_tol=1e-12) for part in parts)


@examples(100)
@given(st.lists(SHARES, min_size=5, max_size=5))
def test_parts_of_equal_effect_get_the_same(by_count):
    parts = WAYS[:4]
    found, _ = shares(parts, {mix: by_count[len(mix)] for mix in mixes(parts)})
    assert max(found.values()) - min(found.values()) < 1e-12


@examples(100)
@given(st.dictionaries(st.sampled_from(WAYS), st.floats(-0.1, 0.1), min_size=1, max_size=4))
def test_effects_that_add_up_are_told_as_they_are(effects):
    parts = list(effects)
    found, _ = shares(parts, {mix: 0.5 + sum(effects[p] for p in mix) for mix in mixes(parts)})
    assert all(isclose(found[part], effects[part], abs_tol=1e-12) for part in parts)


@examples(50)
@given(st.lists(SHARES, min_size=9, max_size=9))
def test_above_four_fields_parts_change_in_the_order_that_is_written_down(values):
    asked = []

    def value(mix):
        asked.append(mix)
        return {"figure": values[len(mix)]}

    change = decompose(value, WAYS[::-1])
    assert change.method == "one_order"
    assert asked == [frozenset(PARTS[:n]) for n in range(len(WAYS) + 1)]
    assert fsum(change.parts["figure"].values()) == change.whole["figure"]


def test_facilities_are_one_field_of_the_four():
    parts = ["facilities_opened", "facilities_closed", "facilities_moved", "people", "streets", "rules"]
    assert len(parts) > MOST_FIELDS
    assert decompose(lambda mix: {"figure": len(mix) / 10}, parts).method == "every_order"


@st.composite
def changes(draw):
    """Draw the share of two runs and parts that sum to what it changed by."""
    old, new = draw(SHARES), draw(SHARES | st.integers(0, 1000).map(lambda n: n / 1000))
    names = draw(st.lists(st.sampled_from(PARTS), unique=True, min_size=1))
    parts = {name: draw(st.just(0.0) | st.floats(-1, 1)) for name in names[1:]}
    return {names[0]: new - old - fsum(parts.values()), **parts}, old, new


def tenths_printed(share):
    return round(10 * float(percent(share).removesuffix("%")))


@examples(300)
@given(changes())
def test_who_subtracts_what_is_printed_finds_the_change_and_its_parts_sum_to_it(drawn):
    parts, old, new = drawn
    points, change = shown_points(parts, old, new)
    assert round(10 * change) == tenths_printed(new) - tenths_printed(old)
    assert sum(round(10 * p) for p in points.values()) == round(10 * change)
    assert abs(change - 100 * (new - old)) < 0.1001
    assert all(abs(points[part] - 100 * share) < 0.1501 for part, share in parts.items())
    assert points.keys() == parts.keys()


@examples(100)
@given(changes())
def test_a_part_that_moved_nothing_is_shown_as_nothing(drawn):
    parts, old, new = drawn
    points, _ = shown_points(parts, old, new)
    assert not any(points[part] for part, share in parts.items() if not share)


def test_a_change_is_that_of_the_shares_as_they_are_cut():
    assert shown_points({"people": -0.0111}, 0.4430, 0.4319) == ({"people": -1.2}, -1.2)  # 44.3 to 43.1
    assert shown_points({"people": -0.0119}, 0.4429, 0.4310) == ({"people": -1.1}, -1.1)  # 44.2 to 43.1
    assert shown_points({}, 0.4439, 0.4310) == ({}, -1.2)
