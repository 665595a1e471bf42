"""Access to the page: sign-in, sessions, guards, and the trail of what was done."""
