"""Writes the typed settings of the package from the library's schema: `python generate.py` with the built package at hand.

One class for every table of a config file that has a `kind`, and for every table with names of its own; the doc comments of the library are its docstrings, and its
defaults are the library's. The files lie in `python/mixwell`, and a test compares them with what this writes.
"""

import json
import keyword
import pathlib
import re
import textwrap

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "python" / "mixwell"

# Choices of the schema whose variants have a module of their own: the module, the name of what they have in common, and its line.
MODULES = {
    "KernelConfig": ("kernels", "KernelSettings", "How a chain moves."),
    "Method": ("methods", "MethodSettings", "How a run goes: kernels, and when they adapt and a flow is trained."),
    "FlowConfig": ("flows", "FlowSettings", "An invertible map that is trained."),
    "TargetConfig": ("targets", "TargetSettings", "What is sampled."),
    "TrainConfig": ("trainings", "TrainingSettings", "What is trained, and how: the config of `mixwell train`."),
    "TrainerConfig": ("trainers", "TrainerSettings", "How an energy is trained."),
    "LayerSpec": ("layers", "LayerSettings", "A layer of a network."),
}

# Where all other tables are: those that a run has, and those that only trainings have.
REST, REST_OF_TRAININGS = "tables", "training_tables"

HEADER = '''"""{summary}

Written by ``settings/generate.py`` from the library's schema; defaults and descriptions are the library's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

{imports}'''

SUMMARIES = {
    "kernels": "Kernels: how a chain moves.",
    "methods": "Methods: kernels, and when they adapt and a flow is trained.",
    "flows": "Flows: invertible maps that are trained.",
    "targets": "Built-in targets.",
    "trainings": "Trainings of classifiers, energies, GANs and density ratios.",
    "trainers": "Trainers of energies.",
    "layers": "Layers of networks.",
    "tables": "Tables of settings within kernels, methods, flows and targets, and those of a run.",
    "training_tables": "Tables of settings within trainings.",
}


def camel(name):
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def words(text):
    """The first paragraph of a doc comment, as a sentence."""
    line = " ".join(text.split("\n\n")[0].split()).replace("`", "``").replace("\\", "\\\\")
    line = line[:1].upper() + line[1:]
    return line if line.endswith((".", "?", "!", "..")) else line + "."


def is_table(schema):
    return schema.get("type") == "object" and "properties" in schema


def tag(schema):
    """The `kind` of a variant."""
    return schema.get("properties", {}).get("kind", {}).get("const")


class Generator:
    """All definitions of the schema, and what has become of them."""

    def __init__(self, *schemas):
        self.defs = {}
        for schema in schemas:
            for name, found in schema["$defs"].items():
                assert self.defs.setdefault(name, found) == found, f"two definitions of {name}"
        for name, root in zip(("RunConfig", "TrainConfig"), schemas, strict=True):
            self.defs[name] = {key: value for key, value in root.items() if key not in ("$defs", "$schema", "title")}
        # (module, class) by definition and kind; by definition alone for tables without a kind.
        self.classes = {}
        self.schemas = {}
        for name, schema in self.defs.items():
            for variant in self.variants(schema):
                kind = tag(variant)
                if kind is not None:
                    rest = self.rest(name, schemas[0])
                    module, base, _ = MODULES.get(name, (rest, name.removesuffix("Config"), ""))
                    self.add((name, kind), module, camel(kind) if module != rest else camel(kind) + base, variant)
        # A table that stands without a `kind` in one place and with one in another is one class.
        with_kind = {self.names(schema): key for key, schema in self.schemas.items()}
        self.bare = set()
        for name, schema in self.defs.items():
            if is_table(schema) and name != "RunConfig":
                key = with_kind.get(self.names(schema))
                if key is None:
                    short = name.removesuffix("Config").removesuffix("Settings")
                    module = self.rest(name, schemas[0])
                    taken = (module, short) in self.classes.values()
                    self.add((name, None), module, name if taken else short, schema)
                else:
                    self.bare.add(name)
                    self.classes[name, None], self.schemas[name, None] = self.classes[key], schema

    def rest(self, name, run):
        """The module of a definition that has none of its own."""
        return REST if name in run["$defs"] else REST_OF_TRAININGS

    def names(self, schema):
        return json.dumps({k: v for k, v in schema["properties"].items() if k != "kind"}, sort_keys=True)

    def variants(self, schema):
        return [v for v in schema.get("oneOf", []) + schema.get("anyOf", []) if is_table(v)]

    def add(self, key, module, name, schema):
        assert (module, name) not in self.classes.values(), f"two classes {module}.{name}"
        self.classes[key] = (module, name)
        self.schemas[key] = schema

    def resolve(self, schema):
        """The name of the definition that a schema points to, where it does."""
        if "$ref" in schema:
            return schema["$ref"].rsplit("/", 1)[1]
        alternatives = [s for s in schema.get("anyOf", []) if s.get("type") != "null"]
        return self.resolve(alternatives[0]) if len(alternatives) == 1 else None

    def named(self, key, here):
        module, name = self.classes[key]
        return name if module == here else f"{module}.{name}"

    def type(self, schema, here):
        """The annotation of a value, in this module."""
        name = self.resolve(schema)
        if name is not None:
            null = " | None" if "anyOf" in schema or "null" in str(schema.get("type", "")) else ""
            return self.definition(name, here) + null
        if "enum" in schema or "const" in schema:
            return "Literal[" + ", ".join(json.dumps(v) for v in schema.get("enum", [schema.get("const")])) + "]"
        if "oneOf" in schema or "anyOf" in schema:
            return self.union([self.type(s, here) for s in schema.get("oneOf", []) + schema.get("anyOf", [])])
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return self.union([self.plain(kind, schema, here) for kind in kinds]) if kinds else "Any"

    def plain(self, kind, schema, here):
        match kind:
            case "array":
                return f"abc.Sequence[{self.type(schema['items'], here) if 'items' in schema else 'Any'}]"
            case "object":
                free = schema.get("additionalProperties")
                return f"abc.Mapping[str, {self.type(free, here) if isinstance(free, dict) else 'Any'}]"
            case _:
                return {"integer": "int", "number": "float", "boolean": "bool", "string": "str", "null": "None"}[kind]

    def union(self, types):
        parts = []
        for found in types:
            parts.extend(part for part in ([found] if "[" in found else found.split(" | ")) if part not in parts)
        # A whole number is a number.
        parts = [part for part in parts if not (part == "int" and "float" in parts)]
        literals = [part for part in parts if part.startswith("Literal[") and part.endswith("]") and part.count("[") == 1]
        if len(literals) > 1:
            joined = "Literal[" + ", ".join(part[8:-1] for part in literals) + "]"
            parts = [joined if part == literals[0] else part for part in parts if part not in literals[1:]]
        return " | ".join(sorted(parts, key=lambda part: part == "None"))

    def definition(self, name, here):
        """The annotation of a definition: a class where it has some, besides the dictionary."""
        schema = self.defs[name]
        if (name, None) in self.classes:
            return f"{self.named((name, None), here)} | abc.Mapping[str, Any]"
        if name in MODULES:
            module, base, _ = MODULES[name]
            return f"{base if module == here else f'{module}.{base}'} | abc.Mapping[str, Any]"
        variants = schema.get("oneOf", []) + schema.get("anyOf", [])
        kinds = [self.named((name, tag(v)), here) for v in variants if tag(v) is not None]
        others = [self.type(v, here) for v in variants if tag(v) is None]
        if kinds:
            others.append("abc.Mapping[str, Any]")
        return self.union([*kinds, *others]) if variants else self.type(schema, here)

    def value(self, value, schema, here):
        """A default as an expression of Python, and whether it cannot be changed."""
        name = self.resolve(schema)
        if isinstance(value, dict):
            key = (name, value.get("kind"))
            if key not in self.classes:
                inner = ((json.dumps(k), self.value(v, schema.get("additionalProperties") or {}, here)[0]) for k, v in value.items())
                return "{" + ", ".join(f"{k}: {v}" for k, v in inner) + "}", False
            fields = self.schemas[key]["properties"]
            given = [
                f"{self.field(k)}={self.value(v, fields[k], here)[0]}"
                for k, v in value.items()
                if k != "kind" and not self.same(v, fields[k].get("default"))
            ]
            return f"{self.named(key, here)}({', '.join(given)})", False
        if isinstance(value, list):
            items = [self.value(v, self.items(schema), here) for v in value]
            text = ", ".join(found for found, _ in items)
            return f"({text}{',' if len(items) == 1 else ''})", all(fixed for _, fixed in items)
        return json.dumps(value) if isinstance(value, str) else repr(value), True

    def items(self, schema):
        name = self.resolve(schema)
        return (self.defs[name] if name else schema).get("items") or {}

    def same(self, a, b):
        return a == b and isinstance(a, bool) == isinstance(b, bool)

    def field(self, name):
        return name + "_" if keyword.iskeyword(name) else name

    def write_class(self, key):
        (module, name), schema = self.classes[key], self.schemas[key]
        base = MODULES[key[0]][1] if key[0] in MODULES else "Table"
        required = set(schema.get("required", []))
        lines = ["@dataclass(frozen=True, kw_only=True)", f"class {name}({base}):"]
        fields = {k: v for k, v in schema["properties"].items() if k != "kind"}
        about = [words(schema.get("description") or self.defs[key[0]].get("description") or f"The table {name}.")]
        if fields:
            about += ["", "Attributes", "----------"]
            for k, v in fields.items():
                text = v.get("description") or self.defs.get(self.resolve(v) or "", {}).get("description") or f"See `{k}`."
                about += [self.field(k), *textwrap.wrap(words(text), 150, initial_indent="    ", subsequent_indent="    ")]
        if len(about) == 1:
            lines.append(f'    """{about[0]}"""')
        else:
            lines += [f'    """{about[0]}', *(f"    {line}".rstrip() for line in about[1:]), '    """']
        lines.append("")
        if key[1] is not None:
            lines.append(f'    kind: ClassVar[str] = "{key[1]}"')
        bare = [self.field(k) for k, v in fields.items() if self.resolve(v) in self.bare]
        if bare:
            lines.append(f"    _bare: ClassVar[frozenset[str]] = frozenset({{{', '.join(map(json.dumps, bare))}}})")
        for k, v in fields.items():
            kind, default = self.type(v, module), v.get("default")
            if default is not None:
                text, fixed = self.value(default, v, module)
                lines.append(f"    {self.field(k)}: {kind} = {text if fixed else f'field(default_factory=lambda: {text})'}")
            elif k in required:
                lines.append(f"    {self.field(k)}: {kind}")
            else:
                lines.append(f"    {self.field(k)}: {kind if kind.endswith('None') or kind == 'Any' else kind + ' | None'} = None")
        while lines[-1] == "":
            lines.pop()
        return "\n".join(lines)

    def module(self, module):
        keys = [key for key, (of, _) in self.classes.items() if of == module and key[0] not in self.bare]
        bodies = [self.write_class(key) for key in keys]
        for name, (of, base, line) in MODULES.items():
            if of == module and name in self.defs:
                bodies.insert(0, f'class {base}(Table):\n    """{line}"""')
        text = "\n\n\n".join(bodies)
        others = sorted(m for m in {*(of for of, _ in self.classes.values())} - {module} if re.search(rf"\b{m}\.[A-Z]", text))
        imports = (f"from . import {', '.join(others)}\n" if others else "") + "from ._table import Table\n"
        header = HEADER.format(summary=SUMMARIES[module], imports=imports)
        used = "field(" in text, "ClassVar" in text, "Literal[" in text, "abc." in text, "Any" in text
        header = header.replace("dataclass, field", "dataclass, field" if used[0] else "dataclass")
        names = [n for n, u in zip(("Any", "ClassVar", "Literal"), (used[4], used[1], used[2]), strict=True) if u]
        header = header.replace("from typing import Any, ClassVar, Literal", f"from typing import {', '.join(names)}")
        header = header if used[3] else header.replace("from collections import abc\n", "")
        exported = sorted([*(self.classes[key][1] for key in keys), *(base for of, base, _ in MODULES.values() if of == module)])
        listed = "__all__ = [\n" + "".join(f'    "{name}",\n' for name in exported) + "]\n"
        return f"{header}\n{listed}\n\n{text}\n"

    def settings(self):
        """The keyword arguments of a run that `sample` does not name itself."""
        named = {"chains", "draws", "seed", "method", "target"}
        fields = {k: v for k, v in self.defs["RunConfig"]["properties"].items() if k not in named}
        lines = [
            '"""The settings of a run as keyword arguments.',
            "",
            "Written by ``settings/generate.py`` from the library's schema; descriptions are the library's.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
            "from collections import abc",
            "from typing import TYPE_CHECKING, Any, TypedDict",
            "",
            "if TYPE_CHECKING:",
            "    from . import flows, tables",
            "    from ._flow import Flow",
            "",
            "",
            "class Settings(TypedDict, total=False):",
            '    """Settings of a run besides those that :func:`mixwell.sample` names; tables are dictionaries with the keys of a config file, or classes of these modules.',
            "",
            "    Attributes",
            "    ----------",
        ]
        for k, v in fields.items():
            lines += [f"    {k}", *textwrap.wrap(words(v.get("description", k)), 150, initial_indent="        ", subsequent_indent="        ")]
        lines += ['    """', ""]
        for k, v in fields.items():
            kind = self.type(v, "")
            lines.append(f"    {k}: " + (f"str | {kind} | Flow" if k == "flow" else kind))
        return "\n".join(lines) + "\n"


def generated():
    """What is written: texts by file name."""
    from mixwell import _mixwell

    generator = Generator(json.loads(_mixwell.schema()), json.loads(_mixwell.schema(training=True)))
    modules = sorted({of for of, _ in generator.classes.values()})
    return {f"{module}.py": generator.module(module) for module in modules} | {"_settings.py": generator.settings()}


if __name__ == "__main__":
    for name, text in generated().items():
        (FOLDER / name).write_text(text)
