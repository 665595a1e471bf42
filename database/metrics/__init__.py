"""What is counted while Firstread works, and what its rows say when they are asked."""
