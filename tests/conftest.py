"""Settings of every test process: few threads, no network, nobody's tracking server, the same examples every time."""

import os

import hypothesis

os.environ |= {
    "OMP_NUM_THREADS": "1",  # pytest-xdist runs several processes side by side
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "WANDB_MODE": "disabled",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
os.environ.pop("MLFLOW_TRACKING_URI", None)

# A slow machine is no failure, and a failure must come back on the next run.
hypothesis.settings.register_profile("framethrift", deadline=None, derandomize=True)
hypothesis.settings.load_profile("framethrift")
