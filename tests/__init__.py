"""The tests of Firstread: real peers, started natively, and no mocks of libraries."""
