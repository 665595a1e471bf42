"""What goes by itself, and when: facts of what is kept, files to remove, the disk's course."""
