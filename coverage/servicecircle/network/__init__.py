"""Streets as a network of segments between junctions, and the placement of points on it."""
