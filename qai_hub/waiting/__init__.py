"""Waiting for jobs: when to ask, how to ask, and what is shown meanwhile."""
