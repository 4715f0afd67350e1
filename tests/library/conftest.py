"""What all tests of the library share: no network, no cache of yours, one profile."""

import ipaddress
import socket

import pooch
import pytest
from backprop import load_mnist
from hypothesis import settings

# The same few examples at every run: a red test stays red until it is mended.
settings.register_profile(
    "book", derandomize=True, max_examples=10, deadline=None, database=None
)
settings.load_profile("book")

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    """Hide this machine's data and settings; let nothing but this machine answer."""
    for name in ("MNIST_DIR", "MNIST_SOURCE", *PROXIES, *map(str.upper, PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    look_up = socket.getaddrinfo

    def only_here(host, *args, **kwargs):
        try:
            here = ipaddress.ip_address(host).is_loopback
        except ValueError:
            here = False
        if not here:
            raise socket.gaierror(f"the tests look up no name, not even {host}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", only_here)


@pytest.fixture(scope="session")
def digits():
    """Return the embedded digits."""
    return load_mnist("embedded")
