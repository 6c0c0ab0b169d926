"""The views in files: what a reader sees while others write and swap."""

from contextlib import closing
from pathlib import Path

from consumers.ports import LOG
from infra.sqlite import views as sqlite_views
from infra.sqlite.connect import connect
from infra.sqlite.reader import SQLiteReader
from infra.sqlite.views import open_views
from infra.tables import all_built
from tests.infra.test_views import TRIED, pending, row, summed, written


def test_a_reader_within_a_transaction_goes_on_seeing_what_it_saw(tmp_path: Path) -> None:
    path = tmp_path / sqlite_views.FILE
    with closing(open_views(tmp_path)) as views, closing(connect(path, read_only=True)) as reader:
        written(views, views.build(TRIED, "", (LOG,), live=True), pending(row(by="before"), summed()), 1)
        building = written(views, views.build(TRIED, "", (LOG,), live=False), pending(row(by="after")), 2)
        reader.execute("BEGIN")
        assert reader.execute("SELECT who, by FROM rows").fetchall() == [("acme", "before")]
        views.go_live(building, TRIED, None)
        assert reader.execute("SELECT who, by FROM rows").fetchall() == [("acme", "before")]
        assert reader.execute("SELECT who FROM sums").fetchall() == [("acme",)]
        assert [each.position for each in all_built(SQLiteReader(reader)) if each.live] == [1]
        reader.execute("COMMIT")
        assert reader.execute("SELECT who, by FROM rows").fetchall() == [("acme", "after")]
        assert reader.execute("SELECT who FROM sums").fetchall() == []
        assert [each.position for each in all_built(SQLiteReader(reader))] == [2]
