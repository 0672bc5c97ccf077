"""Which shape each kind of layer makes of its input's, with which weights: integers alone, nothing is allocated."""

from stackyard.spec.check.shapes.infer import infer
from stackyard.spec.check.shapes.layer_output import Made
from stackyard.spec.check.shapes.masks import mask_fault, masked_after

__all__ = ["Made", "infer", "mask_fault", "masked_after"]
