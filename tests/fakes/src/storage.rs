//! Stores of images on the loopback interface.

mod s3;

pub use s3::S3Server;
