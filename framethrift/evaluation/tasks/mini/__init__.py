"""The miniature benchmarks as lmms-eval tasks."""
