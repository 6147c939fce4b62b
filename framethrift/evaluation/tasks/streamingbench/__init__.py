"""StreamingBench as lmms-eval tasks, one per part."""
