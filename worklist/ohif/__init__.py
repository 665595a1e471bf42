"""OHIF, a viewer: served by the page at /ohif/ where its built package is installed."""
