"""One local hub for all end-to-end tests, and three people on it."""

from collections.abc import Iterator

import pytest
from support.compiled_models import PHONE, compile_affine, target_of
from support.users import COLLEAGUE, ME, STRANGER

from qai_hub.client import Client, CompileJob, Device, Model
from qai_hub.local import LocalHub


@pytest.fixture(scope="session")
def lh() -> Iterator[LocalHub]:
    with LocalHub(users=[ME, COLLEAGUE, STRANGER], validate_responses=True) as hub:
        yield hub


@pytest.fixture(scope="session")
def client(lh: LocalHub) -> Client:
    return lh.client(ME)


@pytest.fixture(scope="session")
def quick_client() -> Iterator[Client]:
    """A client of a hub that measures no layers, which takes simulations of the whole model.

    For tests of what is made of a quantized model, not of what is told of it.
    """
    with LocalHub(analyze_layers=False, validate_responses=True) as hub:
        yield hub.client()


@pytest.fixture(scope="session")
def colleague(lh: LocalHub) -> Client:
    return lh.client(COLLEAGUE)


@pytest.fixture(scope="session")
def stranger(lh: LocalHub) -> Client:
    return lh.client(STRANGER)


@pytest.fixture(scope="session")
def device() -> Device:
    return Device(PHONE)


@pytest.fixture(scope="session")
def compiled(client: Client) -> CompileJob:
    """A compile job that has succeeded."""
    return compile_affine(client, "affine", rows=2)


@pytest.fixture(scope="session")
def target(compiled: CompileJob) -> Model:
    return target_of(compiled)
