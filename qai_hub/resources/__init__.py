"""The objects of a hub: jobs, models, datasets, devices, projects, profiles and results."""
