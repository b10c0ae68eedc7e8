//! The list of a model's parameters before any of them has a value.

use srr_random::Seed;

/// What a parameter is for. Weight decay, norms and complexity measures treat the kinds differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// A matrix `[out, in]`, applied as y = x Wᵀ: projections, output maps, dictionaries, heads.
    LinearMap,
    /// The bias of a linear map.
    Bias,
    /// The gain of a layer norm.
    NormGain,
    /// The bias of a layer norm.
    NormBias,
    /// Position embeddings `[1, N, d]`.
    Position,
    /// The class token `[1, 1, d]`.
    ClassToken,
}

/// The distribution that a parameter is drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// Every element has this value.
    Constant(f64),
    /// Uniform in ±bound.
    Uniform(f64),
    /// Normal with mean zero and this standard deviation.
    Normal(f64),
}

impl Initial {
    /// The default of a linear layer, weights and bias alike: uniform in ±1/√fan_in (PyTorch's `nn.Linear`).
    pub fn linear(fan_in: usize) -> Self {
        Self::Uniform((fan_in as f64).powf(-0.5))
    }

    /// He et al.'s uniform distribution for a map before a ReLU: ±√(6/fan_in).
    pub fn kaiming_uniform(fan_in: usize) -> Self {
        Self::Uniform((6.0 / fan_in as f64).sqrt())
    }

    /// `len` values. The same seed gives the same values.
    pub fn draw(self, len: usize, seed: Seed) -> Vec<f64> {
        let mut stream = seed.stream();
        match self {
            Self::Constant(value) => vec![value; len],
            Self::Uniform(bound) => (0..len).map(|_| stream.uniform_in(-bound, bound)).collect(),
            Self::Normal(deviation) => (0..len).map(|_| deviation * stream.normal()).collect(),
        }
    }
}

/// One parameter of a model, without a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Name in the state of the official PyTorch model.
    pub name: String,
    /// What it is for.
    pub kind: ParameterKind,
    /// Shape.
    pub shape: Vec<usize>,
    /// Where it starts.
    pub initial: Initial,
    /// Whether training changes it.
    pub trainable: bool,
}

impl ParameterSpec {
    /// Number of elements.
    pub fn scalars(&self) -> u64 {
        self.shape.iter().map(|&n| n as u64).product()
    }
}

/// How many scalar parameters a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterCount {
    /// Those that training changes.
    pub trainable: u64,
    /// All, the frozen ones included.
    pub total: u64,
}

/// A model's parameters in the order of the official state. Layers add theirs when they are built and keep the indices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    specs: Vec<ParameterSpec>,
}

impl Layout {
    /// A model without parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a trainable parameter and returns its index.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        kind: ParameterKind,
        shape: &[usize],
        initial: Initial,
    ) -> usize {
        self.specs.push(ParameterSpec {
            name: name.into(),
            kind,
            shape: shape.to_vec(),
            initial,
            trainable: true,
        });
        self.specs.len() - 1
    }

    /// Keeps training from changing the parameter with this index.
    pub(crate) fn freeze(&mut self, index: usize) {
        self.specs[index].trainable = false;
    }

    /// Starts the parameter with this index from another distribution.
    pub(crate) fn start_from(&mut self, index: usize, initial: Initial) {
        self.specs[index].initial = initial;
    }

    /// The parameters in their order.
    pub fn specs(&self) -> &[ParameterSpec] {
        &self.specs
    }

    /// How many scalars there are.
    pub fn count(&self) -> ParameterCount {
        let sum = |keep: fn(&&ParameterSpec) -> bool| {
            let kept = self.specs.iter().filter(keep);
            kept.map(ParameterSpec::scalars).sum()
        };
        ParameterCount {
            trainable: sum(|spec| spec.trainable),
            total: sum(|_| true),
        }
    }
}
