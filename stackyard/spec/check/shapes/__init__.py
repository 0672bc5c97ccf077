"""Infer the output shape and the weights of each type of layer, with integers only and without allocating arrays."""

from stackyard.spec.check.shapes.infer import infer_layer_output
from stackyard.spec.check.shapes.layer_output import LayerOutput
from stackyard.spec.check.shapes.masks import find_mask_fault, has_output_mask

__all__ = ["LayerOutput", "find_mask_fault", "has_output_mask", "infer_layer_output"]
