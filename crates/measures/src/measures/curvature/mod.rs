//! Curvature of the loss: the largest eigenvalue and the trace of its Hessian, alone and beside the learning rate.

mod dynamical_stability;
mod edge_of_stability;
mod hessian_trace;
mod lambda_max;

pub use dynamical_stability::DynamicalStability;
pub use edge_of_stability::EdgeOfStability;
pub use hessian_trace::HessianTrace;
pub use lambda_max::LambdaMax;

use std::sync::Arc;

use crate::hessian::{Block, HessianProducts, Trace, TraceOptions, blocks, trace};
use crate::measure::Undefined;
use crate::shared::shared;
use crate::subject::{Images, Role, Subject};

/// Names of the parts that belong to a block, and the layer it belongs to.
fn place(name: &str, block: &Block) -> (String, Option<usize>) {
    match block.role {
        Role::Layer(layer) => (name.to_owned(), Some(layer)),
        Role::Embedding => (format!("{name}_embedding"), None),
        Role::Head => (format!("{name}_head"), None),
        Role::Other => (format!("{name}_other"), None),
    }
}

/// The trace with those of all blocks, once per subject.
fn traced(
    subject: &dyn Subject,
    images: Images,
    options: TraceOptions,
) -> Result<Arc<Trace>, Undefined> {
    shared(subject, &format!("trace: {images:?} {options:?}"), || {
        let seed = subject.seed()?.purpose("measures: trace");
        let hessian = HessianProducts::new(subject, images)?;
        trace(&hessian, &blocks(subject)?, &options, seed)
    })
}
