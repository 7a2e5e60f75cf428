"""The travel field: walking distances to the nearest facility, and pictures of it."""
