"""The network section of a spec: initializers, regularizers, constraints and activations. Layers: `spec.layers`."""
