"""The commands: each reads its config, calls one function below, and prints where the result lies.

Heavy modules (torch) are imported inside the functions, so that help, completion and error messages
come at once.
"""
