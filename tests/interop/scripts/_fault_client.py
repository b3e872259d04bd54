"""A client whose requests meet the faults that a script injects."""

import json
import urllib.request

import qai_hub as hub


def client():
    """A client of the hub behind the fault proxy."""
    made = hub.Client(profile="faults")
    made.set_verbose(False)
    inject(made, "$^", times=0)
    return made


def inject(client, pattern, times=1, **what):
    """Disturbs the next requests that a pattern matches, such as `POST .*/jobs/`."""
    _call(client, json.dumps({"pattern": pattern, "times": times, **what}).encode())


def counts(client):
    """How many requests were disturbed, and how many the pattern matched."""
    return _call(client, None)


def _call(client, body):
    url = f"{client.config.api_url}/faults/"
    with urllib.request.urlopen(urllib.request.Request(url, data=body)) as answer:
        return json.load(answer)
