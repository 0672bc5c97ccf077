"""Pictures of what a job did: learning curves, and where its network errs.

A chart is a Vega-Lite document with its data inside (`learning`, `mistakes`). What makes SVG and PNG of it is a
JavaScript engine: it takes a hundred megabytes, and ends the process it is in where its memory does not suffice. So it
has a process of its own (`python -m service.charts`), which `renderer.Renderer` keeps warm. Nothing is imported here,
because that process imports this package.
"""
