"""Models of qai_hub_models, exported to a local hub: `make models`."""
