"""The hub's core: job types, scheduling and results of jobs, users and their rights."""
