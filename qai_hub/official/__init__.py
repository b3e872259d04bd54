"""Internal names of the official client that public scripts use, implemented on this client.

The modules that scripts import from, such as `qai_hub.public_rest_api`, re-export these names.
"""
