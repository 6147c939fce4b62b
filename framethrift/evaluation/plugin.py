"""Makes our model known to lmms-eval (`python -m lmms_eval --model framethrift …`): entry point group lmms_eval.models."""

from lmms_eval.models.registry_v2 import ModelManifest

CLASSES = "framethrift.evaluation.lmms_model"


def manifest() -> ModelManifest:
    """Name and classes of our model; lmms-eval imports one only when the model is asked for."""
    return ModelManifest(
        model_id="framethrift", simple_class_path=f"{CLASSES}.SimpleModel", chat_class_path=f"{CLASSES}.ChatModel"
    )
