"""The engine runs the local hub's jobs: one spawned subprocess, the worker, per attempt.

`attempt` and `process` belong to the hub's process, which never loads numpy, ONNX or ONNX Runtime.
`worker` and what it imports belong to the subprocess. `protocol`, `failures` and `options` are
common to both. Hub and worker communicate through files in the attempt's folder.
"""
