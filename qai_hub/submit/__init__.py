"""Checks of submissions, before anything is sent."""
