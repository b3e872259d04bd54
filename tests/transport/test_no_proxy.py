"""Which hosts `NO_PROXY` covers."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.transport.proxies import Target, should_bypass_proxies


def covers(no_proxy: str, host: str, *, scheme: str = "https", port: int = 443) -> bool:
    return should_bypass_proxies(no_proxy, Target(scheme, host, port))


@pytest.mark.parametrize(
    "entry",
    [
        *("*", "x.com", ".x.com", "*.x.com", "*x.com", "X.Com", "x.com.", "hub.x.com", "com"),
        *("hub.x.com:443", "x.com:443", "https://x.com", "https://hub.x.com/path", "all://x.com"),
    ],
)
def test_entries_that_cover_a_name(entry: str) -> None:
    assert covers(entry, "hub.x.com")
    assert covers(f"other, ,,{entry}", "hub.x.com.")
    assert covers(f"other {entry}", "HUB.x.com")


@pytest.mark.parametrize(
    "entry",
    [
        *("", ",", " ", ".", "*.", "b.x.com", "x.co", "ub.x.com", "a.hub.x.com", "x.com:80"),
        *("http://x.com", "10.0.0.0/8", "::/0", "[::1]", "x.com:99999", "x.com:port", "[", "]:1"),
    ],
)
def test_entries_that_do_not_cover_a_name(entry: str) -> None:
    assert not covers(entry, "hub.x.com")


@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:443", "127.0.0.1"),
        ("127.0.0.0/8", "127.9.9.9"),
        ("127.0.0.1/8", "127.9.9.9"),
        ("10.0.0.0/255.0.0.0", "10.1.2.3"),
        ("0.0.0.0/0", "8.8.8.8"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[::1]:443", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("fd00::/8", "fd12:3456::1"),
        ("[fd00::]/8", "fd12:3456::1"),
        ("2001:DB8::1/64", "2001:db8::abcd"),
        ("fe80::1", "fe80::1%eth0"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::/10", "fe80::1%25eth0"),
    ],
)
def test_entries_that_cover_an_address(entry: str, host: str) -> None:
    assert covers(entry, host)
    assert covers(f"[::,::1::,1.2.3,999.1.1.1/8,10.0.0.0/99,{entry}", host)
    assert not covers(entry, "1.2.3.4" if entry != "0.0.0.0/0" else "::2")


@pytest.mark.parametrize("entry", ["127.0.0.1:80", "[::1]:80", "::1", "27.0.0.1", "127.0.0", ".1"])
def test_entries_that_do_not_cover_an_address(entry: str) -> None:
    assert not covers(entry, "127.0.0.1")


@given(st.text(max_size=60), st.ip_addresses() | st.text(min_size=1, max_size=20))
def test_no_text_is_an_error(no_proxy: str, host: object) -> None:
    assert covers(no_proxy, str(host)) in {True, False}
    assert covers(f"{no_proxy},*", str(host))


@given(st.ip_addresses(), st.data())
def test_ranges_cover_what_is_in_them(address: ipaddress.IPv4Address, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, address.max_prefixlen))
    other = data.draw(st.ip_addresses(v=address.version))
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    for form in (f"{network}", f"{address}/{length}"):
        assert covers(form, str(address))
        assert covers(form, str(other)) == (other in network)


label = st.text("abc", min_size=1, max_size=3)


@given(st.lists(label, min_size=1, max_size=4), st.lists(label, min_size=1, max_size=4))
def test_names_cover_themselves_and_what_is_below(host: list[str], entry: list[str]) -> None:
    below = host[-len(entry) :] == entry
    for form in (".".join(entry), f".{'.'.join(entry)}", f"*.{'.'.join(entry)}"):
        assert covers(form, ".".join(host)) == below


@given(st.integers(1, 65535), st.integers(1, 65535), st.sampled_from(["h", "1.2.3.4", "::1"]))
def test_ports_count_where_they_are_given(listed: int, port: int, host: str) -> None:
    entry = f"[{host}]" if ":" in host else host
    assert covers(f"{entry}:{listed}", host, port=port) == (listed == port)
    assert covers(entry, host, port=port)
