//! The conformance suite on the CPU, on the default bodies of the coarse operations, and on a backend that is wrong.

mod common;

use common::Primitive;
use srr_kernels::{Backend, Cpu, Element, conformance};

fn assert_conforms<B: Backend>(backend: &B) {
    if let Err(failures) = conformance::run(backend) {
        panic!("{failures}");
    }
}

fn primitive<T: Element>(broken: bool) -> Primitive<T> {
    Primitive {
        cpu: Cpu::new(),
        broken,
    }
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
    assert_conforms(&primitive::<f64>(false));
}

#[test]
fn default_bodies_in_f32() {
    assert_conforms(&primitive::<f32>(false));
}

#[test]
fn a_wrong_sign_is_found() {
    let failures = conformance::run(&primitive::<f64>(true)).unwrap_err().0;
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
