"""Prepared detection for the guides that ship: their vectors and their fitted model, so that a first start need not make them.

`scripts/prepare_detection.py` writes both files after an edit of the shipped guides. Where a text or the model is not in them,
it is made as for any other knowledge base.
"""
