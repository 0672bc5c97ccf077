"""Rules about settings that are valid but probably mistakes; `stackyard.spec.check.advice` makes warnings of them."""
