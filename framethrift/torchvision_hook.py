"""Lets torchvision be imported beside a torch build that its compiled part does not fit.

The registry's torchvision wheel is linked against CUDA. Beside a CPU build of torch its `_C` library cannot be loaded;
torchvision tolerates that, except that `torchvision._meta_registrations` describes two operators which `_C` would have
declared, and fails. The finder below declares them just before that module is imported. It runs in every process
(framethrift_torchvision.pth in site-packages), so it must cost nothing: no torch, nothing imported, one string compared
per import. Where `_C` loads, as on a GPU machine, it declares nothing.
"""

import sys

_NEEDS_OPERATORS = "torchvision._meta_registrations"
_declared: list[object] = []  # torch forgets the operators when the library object is collected


class OperatorFinder:
    """A meta-path finder that finds nothing: it only acts before one module is looked for by the others."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Declare torchvision's nms operators if their module is about to be imported without its compiled part."""
        if name == _NEEDS_OPERATORS and not sys.modules["torchvision.extension"]._has_ops():
            _declare_operators()


def _declare_operators() -> None:
    if _declared:
        return
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)


def activate() -> None:
    """Put the finder first on the meta path, once."""
    if OperatorFinder not in sys.meta_path:
        sys.meta_path.insert(0, OperatorFinder)


activate()
