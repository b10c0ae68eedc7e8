//! A model's parameters with their values.

use crate::{Error, Layout, Misshapen, ParameterCount, ParameterKind, Result, StateMismatch};
use srr_kernels::{Backend, Tensor as _};
use srr_random::Seed;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// A tensor in the computer's memory, in double precision whatever the model computes in.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// Shape.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f64>,
}

/// One parameter of a model.
#[derive(Clone, Debug)]
pub struct Parameter<B: Backend> {
    /// Name in the state of the official PyTorch model, such as `transformer.layers.0.0.fn.qkv.weight`.
    pub name: String,
    /// What it is for.
    pub kind: ParameterKind,
    /// Its value.
    pub value: B::Tensor,
    /// Whether training changes it.
    pub trainable: bool,
}

/// All parameters of a model, in the order of the official state.
#[derive(Clone, Debug)]
pub struct Parameters<B: Backend> {
    list: Vec<Parameter<B>>,
    index: Arc<HashMap<String, usize>>,
}

impl<B: Backend> Parameters<B> {
    fn new(list: Vec<Parameter<B>>) -> Self {
        let names = list.iter().enumerate().map(|(i, p)| (p.name.clone(), i));
        let index = Arc::new(names.collect());
        Self { list, index }
    }

    /// Draws each parameter from its distribution by the part of `seed` that bears its name, so that models which share a
    /// parameter's name, shape and distribution share its values.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn initialize(backend: &B, layout: &Layout, seed: Seed) -> Result<Self> {
        let parameter = |spec: &crate::ParameterSpec| {
            let len = spec.shape.iter().product();
            let values = spec.initial.draw(len, seed.purpose(&spec.name));
            Ok(Parameter {
                name: spec.name.clone(),
                kind: spec.kind,
                value: backend.upload_f64(&values, &spec.shape)?,
                trainable: spec.trainable,
            })
        };
        let list: Result<Vec<_>> = layout.specs().iter().map(parameter).collect();
        Ok(Self::new(list?))
    }

    /// Takes the parameters' values from named tensors, which must be exactly the layout's.
    ///
    /// # Errors
    /// [`Error::State`] with every missing, unexpected and misshapen tensor; [`Error::NonFinite`].
    pub fn from_host(
        backend: &B,
        layout: &Layout,
        tensors: &BTreeMap<String, HostTensor>,
    ) -> Result<Self> {
        check_state(layout, tensors)?;
        let parameter = |spec: &crate::ParameterSpec| {
            let tensor = &tensors[&spec.name];
            if let Some(index) = tensor.values.iter().position(|v| !v.is_finite()) {
                let name = spec.name.clone();
                return Err(Error::NonFinite {
                    name,
                    index: Some(index),
                });
            }
            Ok(Parameter {
                name: spec.name.clone(),
                kind: spec.kind,
                value: backend.upload_f64(&tensor.values, &tensor.shape)?,
                trainable: spec.trainable,
            })
        };
        let list: Result<Vec<_>> = layout.specs().iter().map(parameter).collect();
        Ok(Self::new(list?))
    }

    /// The parameters' values by name.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn to_host(&self, backend: &B) -> Result<BTreeMap<String, HostTensor>> {
        let tensor = |p: &Parameter<B>| {
            let shape = p.value.shape().to_vec();
            let values = backend.download_f64(&p.value)?;
            Ok((p.name.clone(), HostTensor { shape, values }))
        };
        self.list.iter().map(tensor).collect()
    }

    /// A copy whose values went through `map`, which sees each parameter and may change its values in place.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn map_values(
        &self,
        backend: &B,
        mut map: impl FnMut(&Parameter<B>, &mut [f64]),
    ) -> Result<Self> {
        let mut mapped = self.clone();
        for parameter in &mut mapped.list {
            let mut values = backend.download_f64(&parameter.value)?;
            map(parameter, &mut values);
            parameter.value = backend.upload_f64(&values, parameter.value.shape())?;
        }
        Ok(mapped)
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no tensor at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The parameter with an index, if there is one.
    pub fn get(&self, index: usize) -> Option<&Parameter<B>> {
        self.list.get(index)
    }

    /// The parameter with an index, to be changed; its value must keep its shape.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Parameter<B>> {
        self.list.get_mut(index)
    }

    /// The index of the parameter with a name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// The parameter with a name.
    pub fn named(&self, name: &str) -> Option<&Parameter<B>> {
        self.get(self.index(name)?)
    }

    /// All parameters in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Parameter<B>> {
        self.list.iter()
    }

    /// All parameters in their order, to be changed; values must keep their shapes.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Parameter<B>> {
        self.list.iter_mut()
    }

    /// How many scalars there are.
    pub fn count(&self) -> ParameterCount {
        let scalars = |p: &Parameter<B>| p.value.len() as u64;
        let trainable = self.list.iter().filter(|p| p.trainable);
        ParameterCount {
            trainable: trainable.map(scalars).sum(),
            total: self.list.iter().map(scalars).sum(),
        }
    }

    pub(crate) fn value(&self, index: usize) -> &B::Tensor {
        &self.list[index].value
    }

    pub(crate) fn is_trainable(&self, index: usize) -> bool {
        self.list[index].trainable
    }

    /// Checks that these are a layout's parameters.
    pub(crate) fn check(&self, layout: &Layout) -> Result<()> {
        let specs = layout.specs();
        let same = |(p, s): (&Parameter<B>, &crate::ParameterSpec)| {
            p.value.shape() == s.shape && p.name == s.name
        };
        if specs.len() == self.list.len() && self.list.iter().zip(specs).all(same) {
            return Ok(());
        }
        let shapes = self.list.iter().map(|p| (p.name.as_str(), p.value.shape()));
        let mismatch = compare(layout, &shapes.collect());
        Err(Error::State(Box::new(mismatch)))
    }
}

impl<'a, B: Backend> IntoIterator for &'a Parameters<B> {
    type Item = &'a Parameter<B>;
    type IntoIter = std::slice::Iter<'a, Parameter<B>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn check_state(layout: &Layout, tensors: &BTreeMap<String, HostTensor>) -> Result<()> {
    let shapes = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()));
    let mismatch = compare(layout, &shapes.collect());
    if mismatch.is_empty() {
        return Ok(());
    }
    Err(Error::State(Box::new(mismatch)))
}

fn compare(layout: &Layout, found: &BTreeMap<&str, &[usize]>) -> StateMismatch {
    let mut mismatch = StateMismatch::default();
    let mut known = std::collections::HashSet::new();
    for spec in layout.specs() {
        known.insert(spec.name.as_str());
        match found.get(spec.name.as_str()) {
            None => mismatch.missing.push(spec.name.clone()),
            Some(&shape) if shape != spec.shape => mismatch.misshapen.push(Misshapen {
                name: spec.name.clone(),
                expected: spec.shape.clone(),
                found: shape.to_vec(),
            }),
            Some(_) => {}
        }
    }
    let unexpected = found.keys().filter(|name| !known.contains(*name));
    mismatch.unexpected = unexpected.map(|name| (*name).to_string()).collect();
    mismatch
}
