//! Files into the catalogue: stations, risk areas and residents from GeoJSON and CSV, all or nothing.
