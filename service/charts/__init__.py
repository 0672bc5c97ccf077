"""Charts of jobs: learning curves, confusion matrices and residuals.

A chart is a Vega-Lite document that contains its data. A JavaScript engine renders it as SVG or PNG. The engine needs
much memory, and ends its process when it runs out of memory. So it has a separate process, `python -m service.charts`,
that `renderer.Renderer` keeps warm. This module imports nothing, because that process imports this package.
"""
