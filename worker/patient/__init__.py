"""Who the patient of a study is, by the headers of its instances."""
