"""The outcomes of a run, restricted to a group of its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from functions.core.model.ports import RunResults
from functions.core.model.types import DeferredItem, KeptItem, PassPlan, ResultLine
from functions.core.summary.fold.groups import Group, Part, parts_of


@dataclass(frozen=True, slots=True)
class GroupOutcomes:
    """What RunResults has about the rows of the group. All methods raise StorageFault."""

    results: RunResults
    group: Group

    def result_parts(self, pass_number: int = 0) -> Iterator[tuple[str, list[ResultLine]]]:
        names = (name for name in self.group.parts if Part.parse(name).pass_ == pass_number)
        for name, lines in self.results.read_parts(names):
            yield name, [line for line in lines if self.group.has(line["row"])]

    def deferred_items(self, pass_number: int) -> Iterator[DeferredItem]:
        deferred = self.results.deferred_items(pass_number)
        return (item for item in deferred if self.group.has(item["row"] + 1))

    def pass_plans(self) -> list[PassPlan]:
        return self.results.pass_plans()

    def kept_item_parts(self) -> Iterator[tuple[str, list[KeptItem]]]:
        names = parts_of(self.results.part_names("retries"), self.group)
        for name, items in cast(Iterator[tuple[str, list[KeptItem]]], self.results.read_parts(names)):
            yield name, [item for item in items if self.group.has(item["row"])]

    def uncompleted_children(self) -> Iterator[Iterator[bytes]]:
        """Of all rows: the files of the ResultWriter have the inputs of children in no order."""
        return self.results.uncompleted_children()
