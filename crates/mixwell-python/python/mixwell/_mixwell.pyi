"""The compiled module. Use the package: its functions have the docstrings."""

from collections.abc import Callable
from os import PathLike
from typing import Any

from numpy import float64
from numpy.typing import NDArray

__version__: str

_Named = list[tuple[str, list[int], list[str]]]

class Density:
    """A log-density that runs can be made of."""

    @staticmethod
    def function(
        function: Callable[[NDArray[float64]], Any],
        value: Callable[[NDArray[float64]], Any] | None,
        variables: _Named,
        probe: NDArray[float64],
        dim: int | None = None,
        report: Callable[[NDArray[float64]], NDArray[float64]] | None = None,
    ) -> Density: ...
    @staticmethod
    def native(address: int, gradient: bool, owner: object, variables: _Named) -> Density: ...
    @staticmethod
    def stan(
        model: int,
        addresses: list[int],
        dim: int,
        threads: bool,
        owner: object,
        variables: _Named,
        order: list[int],
    ) -> Density: ...
    @property
    def dim(self) -> int: ...
    @property
    def has_gradient(self) -> bool: ...

def run(
    density: Density | None,
    settings: dict[str, Any],
    folder: str | PathLike[str] | None,
    threads: int | None,
    resume: bool,
    report: Callable[[dict[str, Any]], object] | None,
) -> dict[str, Any]: ...
def read_run(path: str | PathLike[str]) -> dict[str, Any]: ...
def report(folder: str | PathLike[str], out: str | PathLike[str] | None) -> PathLike[str]: ...
def read_variable(
    folder: str | PathLike[str], group: str, name: str | None
) -> list[tuple[str, NDArray[float64], list[int]]]: ...
def save(
    path: str | PathLike[str],
    settings: str,
    summary: str,
    flow: bytes | None,
    variables: _Named,
    stats: list[tuple[str, str]],
    groups: list[NDArray[float64]],
) -> None: ...
def catalogue() -> list[tuple[str, str, str]]: ...
def schema() -> str: ...
