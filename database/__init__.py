"""Tables, sessions and the states of studies, jobs and deliveries: stored here and nowhere else."""
