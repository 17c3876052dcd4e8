"""How it is put together: settings, the composition root, the command line, the embedded local stack.

Top floor: the only place that knows every adapter, and the only one that reads the environment.
"""
