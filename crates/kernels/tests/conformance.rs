//! The conformance suite on the CPU, on the default bodies of the coarse operations, and on a backend that is wrong.

mod common;

use common::Primitive;
use srr_kernels::{Backend, Cpu, conformance};

fn assert_conforms<B: Backend>(backend: &B) {
    if let Err(failures) = conformance::run(backend) {
        panic!("{failures}");
    }
}

fn primitive<B: Backend>(whole: B, broken: bool) -> Primitive<B> {
    Primitive { whole, broken }
}

#[test]
fn cpu_in_f64() {
    assert_conforms(&Cpu::<f64>::new());
}

#[test]
fn cpu_in_f32() {
    assert_conforms(&Cpu::<f32>::new());
}

#[test]
fn default_bodies_in_f64() {
    assert_conforms(&primitive(Cpu::<f64>::new(), false));
}

#[test]
fn default_bodies_in_f32() {
    assert_conforms(&primitive(Cpu::<f32>::new(), false));
}

#[test]
fn a_wrong_sign_is_found() {
    let failures = conformance::run(&primitive(Cpu::<f64>::new(), true))
        .unwrap_err()
        .0;
    for expected in ["softmax_backward", "dq", "dk", "mssa"] {
        assert!(
            failures.iter().any(|line| line.contains(expected)),
            "{expected}: {failures:?}"
        );
    }
    assert!(
        failures
            .iter()
            .all(|line| line.starts_with("rows") || line.starts_with("attention")),
        "{failures:?}"
    );
}
