"""The programs that Firstread talks to, started on free ports in temporary folders."""
