//! The margin, alone and under norms of the weights (Jiang et al. 2019, eq. 22, 29–31, 34, 36, 38 and 43).

mod inverse_margin;
mod log_prod_of_fro_over_margin;
mod log_prod_of_spec_over_margin;
mod log_spec_init_main;
mod log_spec_orig_main;
mod log_sum_of_fro_over_margin;
mod log_sum_of_spec_over_margin;
mod path_norm_over_margin;

use crate::measure::{Undefined, Value};
use crate::subject::{Split, Subject};

pub use inverse_margin::InverseMargin;
pub use log_prod_of_fro_over_margin::LogProdOfFroOverMargin;
pub use log_prod_of_spec_over_margin::LogProdOfSpecOverMargin;
pub use log_spec_init_main::LogSpecInitMain;
pub use log_spec_orig_main::LogSpecOrigMain;
pub use log_sum_of_fro_over_margin::LogSumOfFroOverMargin;
pub use log_sum_of_spec_over_margin::LogSumOfSpecOverMargin;
pub use path_norm_over_margin::PathNormOverMargin;

/// A value that comes from the margin, with the number of images that has.
fn of_margin(subject: &dyn Subject, raw: f64) -> Result<Value, Undefined> {
    Ok(Value::new(raw).with_images(subject.margins(Split::Train)?.len()))
}
