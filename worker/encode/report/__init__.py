"""The structured reports: for viewers, for programs, and as a page of text."""
