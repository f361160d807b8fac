"""Garbage collection against a model that does it naively, on worlds of random repositories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadstead.index import tables
from roadstead.upkeep.collect import Terms
from tests.rig.postgres import Postgres
from tests.rig.world import HOUR_MS, TERMS, World, digest_of

BLOBS = 6
MANIFESTS = 7
REPOSITORIES = 2

AGES_MS = st.sampled_from([0, 24 * HOUR_MS, 24 * HOUR_MS + 1, 50 * HOUR_MS, 100 * HOUR_MS])
"""Young, just within the grace, just beyond it, beyond the grace but not 72 hours old, older."""

INDEXES_OF_BLOBS = st.frozensets(st.integers(0, BLOBS - 1), max_size=3)


@dataclass(frozen=True)
class Manifest:
    """One of a repository's manifests, by its number; children and subject have smaller numbers, as hashes demand."""

    age_ms: int
    blobs: frozenset[int]
    children: frozenset[int]
    subject: int | None
    tagged: bool
    present: bool


@dataclass(frozen=True)
class Plan:
    """A world: everything by its number."""

    blob_ages: tuple[int, ...]
    links: dict[tuple[int, int], int]
    manifests: tuple[tuple[Manifest, ...], ...]
    claimed_blobs: dict[int, int]
    claimed_manifests: frozenset[int] = field(default_factory=frozenset)


@st.composite
def manifest_lists(draw: st.DrawFn) -> tuple[Manifest, ...]:
    made: list[Manifest] = []
    for number in range(draw(st.integers(0, MANIFESTS))):
        before = st.integers(0, number - 1) if number else st.nothing()
        kind = draw(st.sampled_from(["image", "index", "referrer"]))
        made.append(
            Manifest(
                age_ms=draw(AGES_MS),
                blobs=draw(INDEXES_OF_BLOBS) if kind != "index" else frozenset(),
                children=draw(st.frozensets(before, max_size=3)) if kind == "index" and number else frozenset(),
                subject=draw(before) if kind == "referrer" and number else None,
                tagged=draw(st.booleans()),
                present=draw(st.sampled_from([True, True, True, False])),
            )
        )
    return tuple(made)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    repositories = tuple(draw(manifest_lists()) for _ in range(REPOSITORIES))
    pairs = st.tuples(st.integers(0, REPOSITORIES - 1), st.integers(0, BLOBS - 1))
    links = draw(st.dictionaries(pairs, AGES_MS))
    for repository, manifests in enumerate(repositories):
        for manifest in manifests:
            for blob in manifest.blobs:
                links.setdefault((repository, blob), draw(AGES_MS))
    return Plan(
        blob_ages=tuple(draw(AGES_MS) for _ in range(BLOBS)),
        links=links,
        manifests=repositories,
        claimed_blobs=draw(st.dictionaries(st.integers(0, BLOBS - 1), st.sampled_from([-1, 0, 1]), max_size=2)),
        claimed_manifests=draw(st.frozensets(st.integers(0, MANIFESTS - 1), max_size=1)),
    )


def live_manifests(plan: Plan, repository: int, untagged_ms: int | None) -> set[int]:
    """The model: which manifests of a repository stay."""
    there = {number: one for number, one in enumerate(plan.manifests[repository]) if one.present}
    if untagged_ms is None:
        return set(there)
    oldest = max(untagged_ms, TERMS.grace_ms)
    live = {
        number
        for number, one in there.items()
        if one.tagged
        or one.age_ms <= oldest
        or number in plan.claimed_manifests
        or (one.subject is not None and one.subject not in there)
    }
    while True:
        more = {child for number in live for child in there[number].children if child in there}
        more |= {number for number, one in there.items() if one.subject in live}
        if more <= live:
            return live
        live |= more


def live_links(plan: Plan, repository: int, manifests: set[int]) -> set[int]:
    """The model: to which blobs a repository keeps its links."""
    named = {blob for number in manifests for blob in plan.manifests[repository][number].blobs}
    return {
        blob
        for (holder, blob), age_ms in plan.links.items()
        if holder == repository and (blob in named or age_ms <= TERMS.grace_ms or plan.claimed_blobs.get(blob, 0) > 0)
    }


def build(world: World, plan: Plan) -> tuple[list[int], list[str]]:
    account = world.account()
    repositories = [world.repository(account, f"app{number}") for number in range(REPOSITORIES)]
    blobs = [world.blob(b"blob %d" % number, age_ms=age_ms) for number, age_ms in enumerate(plan.blob_ages)]
    for (repository, blob), age_ms in plan.links.items():
        world.link(repositories[repository], blobs[blob], age_ms=age_ms)
    for repository, manifests in enumerate(plan.manifests):
        for number, one in enumerate(manifests):
            if one.present:
                world.manifest(
                    repositories[repository],
                    f"manifest {number}",
                    blobs=tuple(blobs[blob] for blob in one.blobs),
                    children=tuple(digest_of(f"manifest {child}") for child in one.children),
                    subject=digest_of(f"manifest {one.subject}") if one.subject is not None else None,
                    tag=f"tag{number}" if one.tagged else None,
                    age_ms=one.age_ms,
                )
    for blob, for_ms in plan.claimed_blobs.items():
        world.claim(blobs[blob], for_ms=for_ms)
    for number in plan.claimed_manifests:
        world.claim(digest_of(f"manifest {number}"), for_ms=1)
    return repositories, blobs


def check(world: World, plan: Plan, untagged_ms: int | None) -> None:
    """Collects, and compares what is left with the model, and what went with the forecast."""
    world.empty()
    with world.rows():
        repositories, blobs = build(world, plan)
    terms = Terms(TERMS.grace_ms, untagged_ms, TERMS.backlog_ms, TERMS.upload_ms)
    forecast = world.forecast(terms)
    report = world.collect(terms)
    manifests = [live_manifests(plan, number, untagged_ms) for number in range(REPOSITORIES)]
    links = [live_links(plan, number, manifests[number]) for number in range(REPOSITORIES)]
    kept = {
        blob
        for blob, age_ms in enumerate(plan.blob_ages)
        if age_ms <= TERMS.grace_ms or plan.claimed_blobs.get(blob, 0) > 0 or any(blob in some for some in links)
    }
    assert world.digests(tables.manifests) == {
        (repositories[number], digest_of(f"manifest {one}"))
        for number in range(REPOSITORIES)
        for one in manifests[number]
    }
    assert world.digests(tables.links) == {
        (repositories[number], blobs[one]) for number in range(REPOSITORIES) for one in links[number]
    }
    assert world.blobs() == {blobs[one] for one in kept}
    assert world.files() == world.blobs()
    assert forecast.is_forecast
    assert forecast.figures() == report.figures()
    assert sorted(map(str, forecast.repositories)) == sorted(map(str, report.repositories))
    assert not any(world.collect(terms).figures().values())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


FEW = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@settings(FEW, max_examples=60)
@given(plan=plans(), untagged_ms=st.sampled_from([None, 1, 72 * HOUR_MS]))
def test_what_is_left_is_what_the_model_leaves(world: World, plan: Plan, untagged_ms: int | None) -> None:
    check(world, plan, untagged_ms)


@pytest.mark.soak
@settings(FEW, max_examples=20_000)
@given(plan=plans(), untagged_ms=st.sampled_from([None, 1, 72 * HOUR_MS]))
def test_what_is_left_is_what_the_model_leaves_for_long(world: World, plan: Plan, untagged_ms: int | None) -> None:
    check(world, plan, untagged_ms)


@pytest.mark.peer("postgresql")
@settings(FEW, max_examples=25)
@given(plan=plans(), untagged_ms=st.sampled_from([None, 1, 72 * HOUR_MS]))
def test_what_is_left_is_the_same_on_postgresql(
    world_on_postgresql: World, plan: Plan, untagged_ms: int | None
) -> None:
    check(world_on_postgresql, plan, untagged_ms)


@pytest.fixture
def world_on_postgresql(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    url = postgres.new_database()
    made = World(tmp_path_factory.mktemp("world"), url)
    yield made
    made.close()
