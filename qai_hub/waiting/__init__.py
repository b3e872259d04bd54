"""Waiting for jobs: the schedule of requests, the loops that send them, and the progress line."""
