"""Checks and drafts of jobs, before anything is sent."""
