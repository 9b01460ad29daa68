"""Synthetic microdata, one generator per study, calibrated to the published figures (methods C); never evidence."""
