"""The commands: each reads its config, calls one function, and prints where the results are.

Slow imports (torch) are inside the functions, so that help, completion and error messages appear
at once.
"""
