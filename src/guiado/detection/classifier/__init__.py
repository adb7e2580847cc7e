"""Fitted detection: features, scores, calibration and the stored model."""
