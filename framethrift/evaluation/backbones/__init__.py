"""Published video language models of other classes behind one small protocol: one adapter file each."""

from framethrift.evaluation.backbones.load import load_backbone, open_linked
from framethrift.evaluation.backbones.protocol import Backbone, OpenBackbone, Seen

__all__ = ["Backbone", "OpenBackbone", "Seen", "load_backbone", "open_linked"]
