"""Imports the client that this interpreter has, and fetches one job: what a short script pays.

python first_call.py URL [WIRE]
"""

import sys

from measure_calls import client_of

if __name__ == "__main__":
    client_of(*sys.argv[1:]).get_job("jabcdefgh")
