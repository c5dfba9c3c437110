"""Both builds of the kernels: with relaxed SIMD, and without."""

from pathlib import Path

import pytest

from tests.python.guest.engine.kernels import Kernels, build


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("kernels")
    return {
        name: build(folder / f"{name}.wasm", relaxed=name == "relaxed")
        for name in ("relaxed", "plain")
    }


@pytest.fixture(scope="session", params=["relaxed", "plain"])
def kernels(modules: dict[str, Path], request: pytest.FixtureRequest) -> Kernels:
    return Kernels(modules[request.param])


@pytest.fixture(scope="session")
def both(modules: dict[str, Path]) -> list[Kernels]:
    return [Kernels(module) for module in modules.values()]
