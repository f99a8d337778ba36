"""Whatever list operation is added later is paginated at once: a page model with `data`, a parameter `page`."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self
from uuid import UUID

import attrs
import pytest

from krebit import AsyncKrebit, ConfigurationError, Krebit, ListDrift, paginate
from krebit_api.api import Operation, page_of
from krebit_api.types import UNSET, Unset
from tests.pages.server import ListServer
from tests.pages.support import World, credentials

UUIDS = [UUID(int=number) for number in range(25)]


@attrs.define
class Report:
    """Known by a UUID."""

    uuid: UUID
    title: str | Unset = UNSET

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any], /) -> Self:
        return cls(UUID(src_dict["uuid"]), src_dict.get("title", UNSET))


@attrs.define
class Line:
    """Known by nothing."""

    text: str

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any], /) -> Self:
        return cls(src_dict["text"])


@attrs.define
class ReportPage:
    """`data` need not be there."""

    data: list[Report] | Unset | None = UNSET

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any], /) -> Self:
        data = src_dict.get("data", UNSET)
        return cls([Report.from_dict(item) for item in data] if isinstance(data, list) else data)


@attrs.define
class LinePage:
    """`data` must be there."""

    data: list[Line]

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any], /) -> Self:
        return cls([Line.from_dict(item) for item in src_dict["data"]])


@attrs.define
class MixedPage:
    """Two kinds of records, with numbers of their own each."""

    data: list[Any]

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any], /) -> Self:
        kinds = {"a": attrs.make_class("A", ["id"]), "b": attrs.make_class("B", ["id"])}
        return cls([kinds[item["kind"]](item["id"]) for item in src_dict["data"]])


def described(name: str, page: int | Unset) -> tuple[Operation, Callable[[], dict[str, Any]]]:
    path = f"/api/1.0/{name}"
    return Operation(name, "GET", path), lambda: {"method": "get", "url": path, "params": {"page": page}}


class Later(Krebit):
    """What a later document might add."""

    def list_reports(self, kind: str, page: int | Unset = 1, *, limit: int | Unset = 10) -> ReportPage:
        assert kind == "yearly"
        return self._send(*described("reports", page), page_of(ReportPage))

    def list_lines(self, *, page: int | None = None) -> LinePage:
        return self._send(*described("lines", 1 if page is None else page), page_of(LinePage))

    def list_all(self, *, page: int | Unset = 1) -> MixedPage:
        return self._send(*described("all", page), page_of(MixedPage))

    def list_titles(self, *, page: int | Unset = 1) -> list[str]:
        return [str(report.uuid) for report in self.list_reports("yearly", page).data or ()]

    def list_both(self, *, page: int = 1) -> LinePage:
        """An operation of the user's own, over one of the document."""
        return self.list_lines(page=page)


class AsyncLater(AsyncKrebit):
    """The same, awaited."""

    async def list_reports(self, kind: str, page: int | Unset = 1, *, limit: int | Unset = 10) -> ReportPage:
        assert kind == "yearly"
        return await self._send(*described("reports", page), page_of(ReportPage))


def reports(page: int) -> dict[str, Any]:
    mine = UUIDS[(page - 1) * 10 : page * 10]
    return {"data": [{"uuid": str(uuid)} for uuid in mine] or None, "meta": {"last_page": 4}}


def test_page_may_stand_anywhere_and_data_be_missing(world: World) -> None:
    """The last page has no `data` at all."""
    with ListServer(reports) as server:
        if world == "sync":
            with Later(**credentials(server)) as api:
                found = list(paginate(api.list_reports, "yearly", 1, limit=10).options(prefetch=4, on_drift="raise"))
        else:

            async def main() -> list[Report]:
                async with AsyncLater(**credentials(server)) as api:
                    walk = paginate(api.list_reports, "yearly").options(prefetch=4)
                    return [report async for report in walk]

            found = asyncio.run(main())
        assert [report.uuid for report in found] == UUIDS
        assert sorted(server.asked) == [1, 2, 3, 4]


def test_records_without_identity_are_kept_also_when_they_are_alike() -> None:
    pages = {1: ["a", "a", "b"], 2: ["a", "b", "b"], 3: ["c"]}
    with (
        ListServer(lambda page: {"data": [{"text": text} for text in pages[page]], "last_page": 3}) as server,
        Later(**credentials(server)) as api,
    ):
        found = [line.text for line in paginate(api.list_lines).options(on_drift="raise")]
    assert found == ["a", "a", "b", "a", "b", "b", "c"]


def test_pages_of_records_without_identity_that_repeat_are_dropped() -> None:
    with (
        ListServer(lambda page: {"data": [{"text": "a"}, {"text": "b"}], "last_page": 100}) as server,
        Later(**credentials(server)) as api,
    ):
        walk = paginate(api.list_lines)
        assert [line.text for line in walk.options(on_drift="ignore")] == ["a", "b"]
        assert len(server.asked) == 4
        with pytest.raises(ListDrift, match="page 2 repeats 2 records"):
            list(walk.options(on_drift="raise"))


def test_records_of_two_kinds_may_share_their_numbers() -> None:
    data = [{"kind": "a", "id": 1}, {"kind": "b", "id": 1}, {"kind": "a", "id": 2}]
    with (
        ListServer(lambda page: {"data": data, "last_page": 1, "total": 3}) as server,
        Later(**credentials(server)) as api,
    ):
        assert len(list(paginate(api.list_all).options(on_drift="raise"))) == 3


def test_an_operation_of_the_users_own() -> None:
    with (
        ListServer(lambda page: {"data": [{"text": str(page)}], "last_page": 3}) as server,
        Later(**credentials(server)) as api,
    ):
        assert [line.text for line in paginate(api.list_both, page=2).options(prefetch=2)] == ["2", "3"]


def test_one_that_returns_no_page_is_refused() -> None:
    with ListServer(reports) as server, Later(**credentials(server)) as api:
        walk: Any = paginate(api.list_titles)  # type: ignore[call-overload]
        with pytest.raises(ConfigurationError, match="list_titles"):
            list(walk)
