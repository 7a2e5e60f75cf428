"""Tables, GeoPackage and manifest, written all or nothing."""
