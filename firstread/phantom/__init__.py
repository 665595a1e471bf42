"""`firstread phantom` and the phantoms of the demo: a study whose lesions are known."""
