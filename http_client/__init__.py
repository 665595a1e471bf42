"""How a service is asked over HTTP: in limited time, for an answer of limited length."""
