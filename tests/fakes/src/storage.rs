//! Stores of images on the loopback interface.

mod cloudinary;
mod s3;
mod serve;
mod vercel_blob;

pub use cloudinary::CloudinaryFake;
pub use s3::S3Server;
pub use vercel_blob::VercelBlobFake;
