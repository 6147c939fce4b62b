"""Makes our model known to lmms-eval (`python -m lmms_eval --model framethrift …`): entry point group lmms_eval.models."""

from lmms_eval.models.registry_v2 import ModelManifest


def manifest() -> ModelManifest:
    """Name and class of our model; lmms-eval imports the class only when the model is asked for."""
    return ModelManifest(model_id="framethrift", simple_class_path="framethrift.evaluation.lmms_model.FolderModel")
