"""Imports the installed client and fetches one job, which is the cost of a short script.

python first_call.py URL [WIRE]
"""

import sys

from measure_calls import client_of

if __name__ == "__main__":
    client_of(*sys.argv[1:]).get_job("jabcdefgh")
