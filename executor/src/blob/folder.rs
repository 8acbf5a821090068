//! Blobs in a folder.
