"""The typed settings are the library's: names, defaults, descriptions."""

import dataclasses
import importlib.util
import json
import pathlib
import typing

import mixwell
import numpy as np
import pytest
from densities import normal
from mixwell import _mixwell, kernels, methods, tables, targets, trainings

PACKAGE = pathlib.Path(mixwell.__file__).parent
SOURCE = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", SOURCE / "settings" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_files_are_what_the_schema_says(generate):
    for name, text in generate.generated().items():
        assert (PACKAGE / name).read_text() == text, f"{name} is of another version: run crates/mixwell-python/settings/generate.py"


def test_a_setting_of_the_library_that_is_missing_is_found(generate):
    """The comparison sees a default that has changed, and a new setting."""
    run, training = json.loads(_mixwell.schema()), json.loads(_mixwell.schema(training=True))
    before = generate.Generator(run, training).module("kernels")
    for schema in (run, training):
        for variant in schema["$defs"]["KernelConfig"]["oneOf"] if "KernelConfig" in schema["$defs"] else ():
            if variant["properties"]["kind"]["const"] == "mala":
                variant["properties"]["target_accept"]["default"] = 0.6
    assert generate.Generator(run, training).module("kernels") != before


def complete(place, value):
    """The value in the settings of a run, with every default, as the library reads it."""
    return json.loads(_mixwell.complete({place: value}))[place]


def made(module, base):
    """The classes of a module that need no argument."""
    for name in module.__all__:
        found = getattr(module, name)
        needed = [f.name for f in dataclasses.fields(found) if f.default is f.default_factory is dataclasses.MISSING] if found is not base else ["all"]
        if not needed:
            yield found()


@pytest.mark.parametrize(
    ("module", "what", "place"),
    [(methods, "methods", "method"), (mixwell.flows, "flows", "flow"), (targets, "targets", "target"), (kernels, "kernels", "kernel")],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_defaults_are_those_of_the_library(module, what, place):
    def read(value):
        if place != "kernel":
            return complete(place, value)
        return complete("method", {"kind": "kernel", "kernel": value})["kernel"]

    base = {methods: methods.MethodSettings, mixwell.flows: mixwell.flows.FlowSettings, targets: targets.TargetSettings, kernels: kernels.KernelSettings}[module]
    seen = set()
    for table in made(module, base):
        assert read(table) == read({"kind": table.kind}), table
        seen.add(table.kind)
    every = set(mixwell.catalogue()[what])
    classes = {getattr(module, name).kind for name in module.__all__} - {None}
    assert every <= classes, every - classes
    assert len(seen) > 0.7 * len(every), every - seen


def test_trainings_have_the_defaults_of_the_library():
    for table in made(trainings, trainings.TrainingSettings):
        read = json.loads(_mixwell.complete(table.__mixwell_settings__(), True))
        assert read == json.loads(_mixwell.complete({"kind": table.kind}, True)), table.kind


def test_they_go_wherever_a_dictionary_does(tmp_path):
    method = methods.Flex2(
        train_iterations=20, burn_in=5, tune=5, frozen=5, local=kernels.Hmc(n_leapfrog=3), global_=kernels.Isir(n_particles=8)
    )
    typed = mixwell.sample(
        normal,
        dim=3,
        method=method,
        flow=mixwell.flows.Realnvp(hidden=[8]),
        start=tables.GaussianStart(scale=2.0),
        stop=tables.Stop(),
        chains=4,
        draws=20,
    )
    plain = mixwell.sample(
        normal,
        dim=3,
        method={
            "kind": "flex2", "train_iterations": 20, "burn_in": 5, "tune": 5, "frozen": 5,
            "local": {"kind": "hmc", "n_leapfrog": 3}, "global": {"n_particles": 8},
        },
        flow={"kind": "realnvp", "hidden": [8]},
        start={"kind": "gaussian", "scale": 2.0},
        chains=4,
        draws=20,
    )  # fmt: skip
    assert np.array_equal(typed.draws, plain.draws) and typed.settings == plain.settings
    assert mixwell.Chains(targets.Banana(dim=2), np.zeros((2, 2)), kernels.Mala()).step(3).draws.shape == (2, 3, 2)
    assert mixwell.Target(targets.Banana(dim=2)).dim == 2
    assert mixwell.Flow(mixwell.flows.Maf(n_layers=2), dim=2).settings["n_layers"] == 2
    run = mixwell.sample(targets.Banana(dim=2), method=methods.Kernel(kernel=kernels.Nuts()), chains=2, draws=10)
    assert run.settings["target"]["dim"] == 2


def test_they_are_frozen_and_refused_in_the_librarys_words():
    kernel = kernels.Mala()
    with pytest.raises(dataclasses.FrozenInstanceError):
        kernel.target_accept = 0.5
    assert dataclasses.replace(kernel, target_accept=0.5) != kernel == kernels.Mala()
    with pytest.raises(TypeError, match="target_acept"):
        kernels.Mala(target_acept=0.5)
    with pytest.raises(mixwell.ConfigError, match="target_accept` is 2"):
        mixwell.Chains(normal, np.zeros((2, 3)), kernels.Mala(target_accept=2.0))
    hints = typing.get_type_hints(kernels.Mala, vars(kernels) | {"abc": __import__("collections").abc})
    assert hints["target_accept"] is float
    assert "Acceptance that adaptation aims at" in kernels.Mala.__doc__
