//! Conformance of the record seam.
