"""Time to first token, end-to-end latency, visual tokens and memory of a variant's samplings."""
