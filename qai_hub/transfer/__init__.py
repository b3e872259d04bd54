"""Uploads to and downloads from signed URLs."""
