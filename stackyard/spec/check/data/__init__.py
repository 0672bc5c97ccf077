"""Check the data section of a spec: columns, arrays, features, targets and splits."""
