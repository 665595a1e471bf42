"""Tables, sessions and the states of studies, jobs and deliveries; the only owner of rows."""
