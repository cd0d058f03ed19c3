"""Lists on a Postgres with 100,000 rows: every page is a short walk along one index, the 1,000th like the first."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any, cast

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import RowFactory, dict_row

from database.catalogue import WALKED_MAX, Catalogue, CatalogueSelection
from database.pool import Connection, Database
from database.queries import Cursor, Selection, VideoPage, VideoQueries
from domain.video import Phase
from tests.integration.databases import fresh_database

ROWS = 100_000
PAGE = 20
# Numbers of pages, from 0. Lists with fewer of them are looked at where they end.
PAGES = (0, 1, 999, ROWS)
# All pages of all lists together: larger ones, of a length that cuts between rows of the same instant.
WALKED = 499

# Ann has every second row, created in pairs at the same instant; of her rows some are in each state. Rows lie in the
# table in another order than in any list, as after years of updates.
_FILL = """
INSERT INTO videos (
    video_id, origin, owner, title, filename, content_type, upload_mode, region, storage_key, profile, created_at,
    phase, phase_since, reason, message, deadline_at, is_playable, failure, deleted, deleted_at)
SELECT
    translate(md5('a' || n), '01', 'xy')::char(26), 'api',
    CASE mod(n, 2) WHEN 0 THEN 'ann' ELSE 'user-' || mod(n, 97) END,
    CASE WHEN mod(n, 10000) = 4 THEN 'A Dog' ELSE 'Cats' END, 'cats.mp4', 'video/mp4', 'single', 'tor1',
    'uploads/' || n || '/original.mp4', CASE WHEN mod(n, 500) = 4 THEN 'small' ELSE 'hls-1080p' END,
    timestamptz '2026-01-01' + (n / 4) * interval '1 minute',
    phase, timestamptz '2026-01-01' + (n / 3) * interval '1 minute', 'Transcoding', 'as seen',
    CASE WHEN phase IN ('ready', 'errored') THEN NULL ELSE timestamptz '2027-01-01' END,
    phase = 'ready' OR mod(n, 200) = 44,
    CASE phase WHEN 'errored' THEN jsonb_build_object('code', 'job_lost', 'message', 'lost', 'attempt', 1) END,
    mod(n, 50) = 6, CASE mod(n, 50) WHEN 6 THEN timestamptz '2026-06-01' END
FROM (
    SELECT n, CASE
        WHEN mod(n, 100) IN (44, 45, 56) THEN 'errored' WHEN mod(n, 10) IN (2, 3) THEN 'processing' ELSE 'ready'
    END AS phase
    FROM generate_series(1, %(rows)s) AS n ORDER BY md5(n::text)
) AS made
"""

_TYPES = {
    "owner": "text",
    "status": "text",
    "profile": "text",
    "created_after": "timestamptz",
    "created_before": "timestamptz",
    "title": "text",
    "at": "timestamptz",
    "video_id": "text",
    "at_most": "bigint",
}

# Each list, with the index that it is a range of.
LISTS = {
    "all": (Selection("ann"), "videos_owner"),
    "ready": (Selection("ann", Phase.READY), "videos_owner_listed"),
    "processing": (Selection("ann", Phase.PROCESSING), "videos_owner_listed"),
    "errored": (Selection("ann", Phase.ERRORED), "videos_owner_errored"),
    "deleted": (Selection("ann", is_deleted=True), "videos_owner_listed"),
}
# Every combination of filters, of which there are four for the time: none, a part of the time, and one end only.
TIMES: tuple[dict[str, Any], ...] = (
    {},
    {"created_after": datetime(2026, 1, 5, tzinfo=UTC), "created_before": datetime(2026, 1, 9, tzinfo=UTC)},
    {"created_after": datetime(2026, 1, 16, tzinfo=UTC)},
    {"created_before": datetime(2026, 1, 3, tzinfo=UTC)},
)
FILTERED = tuple(
    CatalogueSelection(owner=owner, status=status, profile=profile, title=title, is_deleted=is_deleted, **time)
    for owner, status, profile, title, is_deleted, time in product(
        (None, "ann"),
        (None, Phase.READY, Phase.PROCESSING, Phase.ERRORED, Phase.UPLOADING),
        (None, "small", "hls-1080p"),
        (None, "dog"),
        (False, True),
        TIMES,
    )
)


@dataclass(frozen=True)
class Cost:
    """What one page took, as Postgres counted it."""

    index: str
    rows_read: int
    blocks: int


class CostRecorder:
    """A database that records the cost of each statement.

    Statements are prepared, as psycopg does with frequent ones: their plan may be one for all parameters.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._row_factory: RowFactory[Any] = dict_row
        self.costs: list[Cost] = []

    @contextmanager
    def connection(self) -> Iterator["CostRecorder"]:
        yield self

    @contextmanager
    def transaction(self) -> Iterator["CostRecorder"]:
        with self._connection.transaction():
            yield self

    def cursor(self, *, row_factory: RowFactory[Any]) -> "CostRecorder":
        self._row_factory = row_factory
        return self

    def execute(self, statement: str, parameters: dict[str, object] | None = None) -> psycopg.Cursor[Any]:
        if parameters is None:
            return self._connection.execute(statement)
        names = [name for name in _TYPES if f"%({name})s" in statement]
        numbered = statement % {name: f"${number}" for number, name in enumerate(names, 1)}
        self._connection.execute(f"PREPARE page ({', '.join(_TYPES[name] for name in names)}) AS {numbered}")
        values = sql.SQL(", ").join(sql.Literal(parameters[name]) for name in names)
        explain = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page ({})").format(values)
        (explained,) = self._connection.execute(explain).fetchall()
        self._connection.execute("DEALLOCATE page")
        self.costs.append(_cost(explained["QUERY PLAN"][0]["Plan"]))
        return self._connection.cursor(row_factory=self._row_factory).execute(statement, parameters)


@pytest.fixture(scope="module")
def filled(postgres_url: str) -> Iterator[str]:
    """A database of this module's own with videos of some users, known to the planner."""
    with fresh_database(postgres_url) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_FILL, {"rows": ROWS})
            connection.execute("VACUUM ANALYZE videos")
        yield url


@pytest.fixture(params=["force_custom_plan", "force_generic_plan"])
def explained(filled: str, request: pytest.FixtureRequest) -> Iterator[CostRecorder]:
    """The database as a fresh connection plans for it, and as one that keeps one plan for all parameters."""
    with psycopg.connect(filled, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(f"SET plan_cache_mode = {request.param}")
        yield CostRecorder(connection)


@pytest.mark.parametrize("name", LISTS)
def test_no_page_of_a_list_costs_more_than_its_first(explained: CostRecorder, filled: str, name: str) -> None:
    selection, index = LISTS[name]
    places = _expected(filled, selection)
    last = (len(places) - 1) // PAGE
    for number in sorted({min(number, last) for number in PAGES}):
        after = places[number * PAGE - 1] if number else None
        page = _page(VideoQueries(cast("Database", explained)), selection, after, PAGE)
        assert [row.desired.video_id for row in page.rows] == _ids(places[number * PAGE : (number + 1) * PAGE])
    first = explained.costs[0]

    assert last > 10
    assert {cost.index for cost in explained.costs} == {index}
    assert max(cost.rows_read for cost in explained.costs) <= 2 * PAGE
    assert max(cost.blocks for cost in explained.costs) <= 2 * first.blocks + 5
    assert explained.costs[-1].blocks <= first.blocks + 10


@pytest.mark.parametrize("name", LISTS)
def test_the_pages_together_are_the_list(filled: str, name: str) -> None:
    selection, _ = LISTS[name]
    database = Database(filled, max_size=1)
    pages = list(_pages(VideoQueries(database), selection))
    database.close()

    assert [len(page.rows) for page in pages[:-1]] == [WALKED] * (len(pages) - 1)
    assert [row.desired.video_id for page in pages for row in page.rows] == _ids(_expected(filled, selection))


@pytest.mark.parametrize("owner", [None, "ann"])
@pytest.mark.parametrize("is_deleted", [False, True])
def test_no_page_of_the_catalogue_walks_further_than_it_may(
    explained: CostRecorder, filled: str, owner: str | None, is_deleted: bool
) -> None:
    catalogue = Catalogue(cast("Database", explained))
    middle = _middle(filled)
    for selection in FILTERED:
        if (selection.owner, selection.is_deleted) == (owner, is_deleted):
            for after in (None, middle):
                catalogue.page(selection, after=after, at_most=PAGE)
                cost = explained.costs[-1]
                assert cost.rows_read <= WALKED_MAX, (selection, cost)
                # Rows lie in no order: each may be in a block of its own, found by two levels of the index.
                assert cost.blocks <= 1.5 * WALKED_MAX, (selection, cost)


def test_a_list_of_the_catalogue_that_one_index_holds_reads_little_more_than_it_shows(explained: CostRecorder) -> None:
    catalogue = Catalogue(cast("Database", explained))
    for selection in (
        CatalogueSelection(),
        CatalogueSelection(owner="ann"),
        CatalogueSelection(status=Phase.READY),
        CatalogueSelection(status=Phase.PROCESSING),
        CatalogueSelection(status=Phase.ERRORED),
        CatalogueSelection(profile="small"),
        CatalogueSelection(is_deleted=True),
        CatalogueSelection(**TIMES[1]),
        CatalogueSelection(owner="ann", status=Phase.PROCESSING, **TIMES[1]),
    ):
        assert len(catalogue.page(selection, after=None, at_most=PAGE).rows) == PAGE
        assert explained.costs[-1].rows_read <= 2 * PAGE, (selection, explained.costs[-1])


@pytest.mark.parametrize("number", range(0, len(FILTERED), 7))
def test_the_pages_of_the_catalogue_together_are_what_the_filters_want(filled: str, number: int) -> None:
    selection = FILTERED[number]
    database = Database(filled, max_size=1)
    found, after = [], None
    for _ in range(ROWS // WALKED_MAX + ROWS // WALKED + 2):
        page = Catalogue(database).page(selection, after=after, at_most=WALKED)
        found += [row.desired.video_id for row in page.rows]
        after = page.last
        if after is None:
            break
    database.close()

    assert after is None
    assert found == _wanted(filled, selection)


def _middle(url: str) -> Cursor:
    """Return the row that is in the middle by when rows were created."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT created_at, video_id FROM videos ORDER BY 1, 2").fetchall()
    return Cursor(*rows[len(rows) // 2])


def _wanted(url: str, selection: CatalogueSelection) -> list[str]:
    """Return the videos that are selected, chosen and sorted here."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT video_id, owner, phase, is_playable, deleted, created_at, phase_since, profile, title FROM videos"
        ).fetchall()
    chosen = []
    for video_id, owner, phase, is_playable, deleted, created_at, phase_since, profile, title in rows:
        shown = phase if deleted or selection.status is Phase.ERRORED or not is_playable else "ready"
        is_wanted = (
            deleted == selection.is_deleted
            and selection.owner in (None, owner)
            and selection.status in (None, shown)
            and selection.profile in (None, profile)
            and (selection.title is None or selection.title in title.lower())
            and (selection.created_after is None or created_at >= selection.created_after)
            and (selection.created_before is None or created_at < selection.created_before)
        )
        if is_wanted:
            is_by_failure = selection.status is Phase.ERRORED and not deleted
            chosen.append((phase_since if is_by_failure else created_at, video_id))
    return [video_id for _, video_id in sorted(chosen, reverse=True)]


def _pages(queries: VideoQueries, selection: Selection) -> Iterator[VideoPage]:
    after: Cursor | None = None
    while True:
        page = _page(queries, selection, after, WALKED)
        yield page
        after = page.last
        if after is None:
            return


def _page(queries: VideoQueries, selection: Selection, after: Cursor | None, at_most: int) -> VideoPage:
    return queries.of_owner(selection, after=after, at_most=at_most)


def _ids(places: Sequence[Cursor]) -> list[str]:
    return [place.video_id for place in places]


def _expected(url: str, selection: Selection) -> list[Cursor]:
    """Return the places of a list, chosen and sorted here."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT video_id, owner, phase, is_playable, deleted, created_at FROM videos"
        ).fetchall()
    chosen = []
    for video_id, owner, phase, is_playable, deleted, created_at in rows:
        if (owner, deleted) == (selection.owner, selection.is_deleted):
            shown = "ready" if is_playable and not deleted else phase
            if selection.status in (None, phase if selection.status is Phase.ERRORED else shown):
                chosen.append((created_at, video_id))
    return [Cursor(at, video_id) for at, video_id in sorted(chosen, reverse=True)]


def _cost(plan: dict[str, Any]) -> Cost:
    nodes = list(_nodes(plan))
    shown = json.dumps(plan, indent=1)
    assert plan["Node Type"] == "Limit", shown
    assert not any(node["Node Type"] == "Seq Scan" for node in nodes), shown
    (index,) = {node["Index Name"] for node in nodes if "Index Name" in node}
    # Close to the end the few rows that are left may be fetched together and sorted.
    read = max(int(node["Actual Rows"]) + node.get("Rows Removed by Filter", 0) for node in nodes)
    return Cost(index, read, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
