//! One suite for every backend (feature `conformance`).
//!
//! [`run`] calls each operation of a [`Backend`] at small awkward sizes and compares the result with a naive computation on the host
//! in `f64`; each backward pass with central differences of that computation. It also asks for the refusals that the operations
//! promise. Since the references know nothing of the backend, default bodies and overrides are held to the same results.
//!
//! ```
//! use srr_kernels::{Cpu, conformance};
//!
//! conformance::run(&Cpu::<f64>::new()).expect("the CPU conforms");
//! ```

mod attention;
mod elementwise;
mod host;
mod ista;
mod layer_norm;
mod layout;
mod linear;
mod loss;
mod memory;
mod optimizer;
mod product;
mod rates;
mod refusals;
mod rows;

use std::fmt;

use srr_linalg::Scalar;
use srr_random::Seed;

use crate::{Backend, Error, Result, Tensor};
use host::Host;

/// What did not conform, one line for each comparison that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures(pub Vec<String>);

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} checks failed", self.0.len())?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for Failures {}

/// Holds a backend to the references.
///
/// # Errors
/// All comparisons that failed and all operations that returned an error where none is due, or none where one is.
pub fn run<B: Backend>(backend: &B) -> Result<(), Failures> {
    let seed = Seed::new(20).purpose("conformance");
    let mut suite = Suite {
        backend,
        seed,
        drawn: 0,
        group: "",
        failures: Vec::new(),
    };
    for (name, group) in groups::<B>() {
        // The numbers of one group do not depend on what the others draw.
        (suite.group, suite.seed, suite.drawn) = (name, seed.purpose(name), 0);
        if let Err(error) = group(&mut suite) {
            suite.fail("stopped", &error.to_string());
        }
    }
    if suite.failures.is_empty() {
        Ok(())
    } else {
        Err(Failures(suite.failures))
    }
}

type Group<B> = fn(&mut Suite<'_, B>) -> Result<()>;

fn groups<B: Backend>() -> [(&'static str, Group<B>); 14] {
    [
        ("memory", memory::check),
        ("product", product::check),
        ("elementwise", elementwise::check),
        ("dropout", elementwise::check_dropout),
        ("rows", rows::check),
        ("layout", layout::check),
        ("linear", linear::check),
        ("layer_norm", layer_norm::check),
        ("attention", attention::check),
        ("ista", ista::check),
        ("cross_entropy", loss::check),
        ("rates", rates::check),
        ("optimizer", optimizer::check),
        ("refusals", refusals::check),
    ]
}

/// A backend under test, and what failed so far.
struct Suite<'a, B> {
    backend: &'a B,
    seed: Seed,
    drawn: u64,
    group: &'static str,
    failures: Vec<String>,
}

impl<B: Backend> Suite<'_, B> {
    /// A tensor of standard normal numbers, and the same (already rounded) numbers on the host.
    fn random(&mut self, shape: &[usize]) -> Result<(B::Tensor, Host)> {
        self.drawn += 1;
        let mut stream = self.seed.index(self.drawn).stream();
        self.of(&Host::new(shape, |_| stream.normal()))
    }

    /// A tensor of given numbers, and the same numbers as the backend rounds them.
    fn of(&self, values: &Host) -> Result<(B::Tensor, Host)> {
        let tensor = self.backend.upload_f64(&values.data, &values.shape)?;
        let rounded = values
            .data
            .iter()
            .map(|&v| B::Element::from_f64(v).to_f64())
            .collect();
        Ok((
            tensor,
            Host {
                shape: values.shape.clone(),
                data: rounded,
            },
        ))
    }

    fn single_precision(&self) -> bool {
        B::Element::NAME == "f32"
    }

    /// A result against its reference.
    fn close(&mut self, what: &str, got: &B::Tensor, want: &Host) -> Result<()> {
        let tolerance = if self.single_precision() { 2e-5 } else { 1e-11 };
        self.compare(what, got, want, tolerance)
    }

    /// A gradient against central differences.
    fn gradient(&mut self, what: &str, got: &B::Tensor, want: &Host) -> Result<()> {
        let tolerance = if self.single_precision() { 1e-4 } else { 2e-8 };
        self.compare(what, got, want, tolerance)
    }

    /// Copies, which are exact.
    fn equal(&mut self, what: &str, got: &B::Tensor, want: &Host) -> Result<()> {
        self.compare(what, got, want, 0.0)
    }

    fn compare(&mut self, what: &str, got: &B::Tensor, want: &Host, tolerance: f64) -> Result<()> {
        if got.shape() != want.shape {
            self.fail(
                what,
                &format!("shape {:?} instead of {:?}", got.shape(), want.shape),
            );
            return Ok(());
        }
        let got = self.backend.download_f64(got)?;
        self.numbers(what, &got, &want.data, tolerance);
        Ok(())
    }

    /// The largest difference must stay below `tolerance` times the largest of the numbers (or 1).
    fn numbers(&mut self, what: &str, got: &[f64], want: &[f64], tolerance: f64) {
        if got.len() != want.len() {
            self.fail(
                what,
                &format!("{} numbers instead of {}", got.len(), want.len()),
            );
            return;
        }
        let scale = want.iter().fold(1.0_f64, |largest, v| largest.max(v.abs()));
        let far = |(got, want): (&f64, &f64)| {
            let within = (got - want).abs() <= tolerance * scale || (got.is_nan() && want.is_nan());
            !within
        };
        if let Some(i) = got.iter().zip(want).position(far) {
            self.fail(
                what,
                &format!("element {i} is {} instead of {}", got[i], want[i]),
            );
        }
    }

    fn that(&mut self, what: &str, holds: bool) {
        if !holds {
            self.fail(what, "does not hold");
        }
    }

    /// An operation that must return an error of a certain kind.
    fn refused<V>(&mut self, what: &str, result: Result<V>, kind: fn(&Error) -> bool) {
        match result {
            Err(error) if kind(&error) => {}
            Err(error) => self.fail(what, &format!("refused with another error: {error}")),
            Ok(_) => self.fail(what, "was not refused"),
        }
    }

    fn fail(&mut self, what: &str, why: &str) {
        self.failures.push(format!(
            "{} ({}): {what}: {why}",
            self.group,
            B::Element::NAME
        ));
    }
}
