"""What every task file of this project needs: where lmms-eval is to look for a document's video."""

import os
from pathlib import Path
from typing import Any


def doc_to_visual(doc: dict[str, Any], lmms_eval_specific_kwargs: dict | None = None) -> list[str]:
    """Path of the video below HF_HOME. Raises FileNotFoundError naming it when it is not there."""
    path = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser() / doc["video"]
    if not path.exists():
        raise FileNotFoundError(f"{path}: the video of question {doc['question_id']} is not there")
    return [str(path)]
