"""What a study costs before anything is bought: parameters, memory, FLOPs, GPU-hours, and its run on nodes that get preempted."""
