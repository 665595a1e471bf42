"""`firstread sbom`: what an installation, or a release, is made of, as CycloneDX."""
