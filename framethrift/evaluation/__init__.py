"""Evaluation: the strict parser, the statistics, showing a video, the lmms-eval model and the cells."""
