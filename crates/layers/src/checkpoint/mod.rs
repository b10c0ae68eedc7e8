//! Weights and other tensors in safetensors files.
//!
//! Files are written under another name in the same folder, synchronized and renamed, so that a reader sees the old file or the new
//! one and never a part; equal content gives equal bytes.

mod half;
mod read;
mod state;
mod write;

pub use read::TensorFile;
pub use state::{Checkpoint, load_safetensors, save_safetensors};
pub use write::{Precision, write_atomically, write_tensors};
