"""An import-linter contract: every third party comes in by one door, the only module or package that imports it.

`protected`, which import-linter ships, holds for the names that somebody thought of, and fails while one of them is not
there yet. This one holds for every name: what is neither the standard library nor ours nor open to everybody has a door
in the list, or may not be imported at all. A module of the standard library may have a door too (sqlite3).
"""

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OneDoor(Contract):
    """Options: `doors`, a list of "third_party: our.module", and `everywhere`, the third parties that need none."""

    type_name = "one_door"

    doors = fields.ListField(subfield=fields.StringField())
    everywhere = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find each import of a third party that does not stand at its door."""
        doors = dict(line.split(": ") for line in self.doors)
        strays = [
            (importer, third_party, doors.get(third_party))
            for third_party in sorted(graph.modules)
            if graph.is_module_squashed(third_party) and self._needs_door(third_party, doors)
            for importer in sorted(graph.find_modules_that_directly_import(third_party))
            if not _stands_at(importer, doors.get(third_party))
        ]
        return ContractCheck(kept=not strays, metadata={"strays": strays})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Say of each stray import where it belongs."""
        for importer, third_party, door in check.metadata["strays"]:
            place = f"only {door} may" if door else "it has no door: give it one in pyproject.toml"
            output.print_error(f"- {importer} imports {third_party}: {place}", bold=False)

    def _needs_door(self, module: str, doors: dict[str, str]) -> bool:
        return module in doors or not (module in self.everywhere or module in sys.stdlib_module_names)


def _stands_at(importer: str, door: str | None) -> bool:
    return door is not None and (importer == door or importer.startswith(f"{door}."))
