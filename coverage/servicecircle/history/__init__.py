"""What was found before: every run kept, compared, and its changes explained."""
