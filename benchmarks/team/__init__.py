"""A hub of several processes under load and under kills: `make team`."""
