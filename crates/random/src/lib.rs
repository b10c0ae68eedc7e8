#![doc = include_str!("../README.md")]

mod philox;
mod seed;
mod stream;

pub use philox::Word;
pub use seed::Seed;
pub use stream::Stream;
