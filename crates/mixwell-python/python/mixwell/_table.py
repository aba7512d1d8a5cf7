"""A table of settings, typed; see the modules ``kernels``, ``methods``, ``flows``, ``targets``, ``trainings``."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar


class Table:
    """A table of settings, to be given wherever a dictionary of settings is.

    It is frozen: ``dataclasses.replace(table, name=value)`` makes another. Values are checked by the library when they are used.
    """

    #: The name of the table's kind, where there are several.
    kind: ClassVar[str | None] = None
    #: Settings whose tables have no ``kind`` where they stand.
    _bare: ClassVar[frozenset[str]] = frozenset()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __mixwell_settings__(self) -> dict[str, Any]:
        """The table as the dictionary that a config file has; settings that are None are left out."""
        # A setting whose name is a word of Python ends in an underscore here.
        table: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in self._bare and isinstance(value, Table):
                value = {name: inner for name, inner in value.__mixwell_settings__().items() if name != "kind"}
            if value is not None:
                table[field.name.rstrip("_")] = value
        return table if self.kind is None else {"kind": self.kind, **table}
