"""Tells what is inside models and datasets, for people who look at them in a browser."""
