"""Results: exactly one for each job, in force until a newer one or a person ends that."""
