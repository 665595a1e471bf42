"""The classifier: its views, network, objective, stages and calibration."""
