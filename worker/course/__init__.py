"""A study among the patient's earlier ones: found, compared, followed."""
