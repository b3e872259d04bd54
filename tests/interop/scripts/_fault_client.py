"""A client whose requests run into trouble where a script wants it."""

import json
import urllib.request

import qai_hub as hub


def client():
    """A client of the hub that trouble stands before."""
    made = hub.Client(profile="front")
    made.set_verbose(False)
    trouble(made, "$^", times=0)
    return made


def trouble(client, pattern, times=1, **what):
    """Spoils the next requests that a pattern finds, such as `POST .*/jobs/`."""
    _call(client, json.dumps({"pattern": pattern, "times": times, **what}).encode())


def told(client):
    """How many requests were spoilt, and how many the pattern found."""
    return _call(client, None)


def _call(client, body):
    url = f"{client.config.api_url}/trouble/"
    with urllib.request.urlopen(urllib.request.Request(url, data=body)) as answer:
        return json.load(answer)
