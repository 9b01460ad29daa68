"""The reports' published cells computed anew from microdata, synthetic or real: one module per study."""
