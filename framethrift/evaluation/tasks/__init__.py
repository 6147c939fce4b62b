"""lmms-eval tasks of benchmarks that lmms-eval lacks."""
