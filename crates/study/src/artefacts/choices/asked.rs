//! What is measured: the sparse rate reduction by every convention, and every other measure by every option.

use super::super::{
    correlation::SRR,
    zoo::{self, Judged},
};
use crate::{Result, measuring::MeasureRequest, plan::Context, profile};
use srr_measures::{Registry, choices};

/// One way to take the sparse rate reduction.
pub(super) struct Rate {
    /// Which question it answers differently; `default` for the reference.
    pub(super) question: String,
    /// How.
    pub(super) answer: String,
    pub(super) judged: Judged,
}

/// One way to take the other measures, with those that it reaches.
pub(super) struct Other {
    pub(super) question: &'static str,
    pub(super) answer: &'static str,
    /// Place among the usual ones, and the measure taken in this way.
    pub(super) reached: Vec<(usize, Judged)>,
}

/// Everything that the artefact measures.
pub(super) struct Asked {
    /// The reference first, then one change at a time, then the official hook's answers together.
    pub(super) rates: Vec<Rate>,
    /// Every other measure as the study takes it.
    pub(super) usual: Vec<Judged>,
    /// The same measures by other options, one change at a time.
    pub(super) others: Vec<Other>,
}

impl Asked {
    pub(super) fn new(context: &Context<'_>, section: &profile::Choices) -> Result<Self> {
        let settings = section.measure.over(&context.profile.measure);
        let mut usual = zoo::requests(context, &section.measures, section.cost, &settings)?;
        usual.retain(|request| request.measure != SRR);
        let usual = zoo::judged(context, &usual)?;
        let others = choices::of_measures(context.registry.options()).into_iter();
        let others = others.map(|choice| {
            let registry = Registry::with_options(&choice.options);
            let changed = |(place, judged): (usize, &Judged)| {
                let measure = registry.get(&judged.request.measure).ok()?;
                let changed = MeasureRequest::new(measure, &settings);
                (changed != judged.request).then(|| (place, judged.by(choice.question, &changed)))
            };
            Other {
                question: choice.question,
                answer: choice.option,
                reached: usual.iter().enumerate().filter_map(changed).collect(),
            }
        });
        let rates = rates(&Judged::new(context, &MeasureRequest::srr(&settings))?)?;
        Ok(Self {
            rates,
            others: others.filter(|other| !other.reached.is_empty()).collect(),
            usual,
        })
    }

    /// The sparse rate reduction as all others are compared with it.
    pub(super) fn reference(&self) -> &MeasureRequest {
        &self.rates[0].judged.request
    }

    /// Everything as the statistics judge it.
    pub(super) fn judged(&self) -> Vec<Judged> {
        let rates = self.rates.iter().map(|rate| &rate.judged);
        let reached = self.others.iter().flat_map(|other| &other.reached);
        let others = self.usual.iter().chain(reached.map(|(_, judged)| judged));
        rates.chain(others).cloned().collect()
    }

    pub(super) fn requests(&self) -> Vec<MeasureRequest> {
        let judged = self.judged().into_iter();
        judged.map(|judged| judged.request).collect()
    }

    /// The names of all other measures where those that this way reaches are taken in it.
    pub(super) fn names_by<'a>(&'a self, other: &'a Other) -> Vec<&'a str> {
        let mut names = self.names();
        for (place, judged) in &other.reached {
            names[*place] = &judged.name;
        }
        names
    }

    /// The names of all other measures as the study takes them.
    pub(super) fn names(&self) -> Vec<&str> {
        self.usual
            .iter()
            .map(|judged| judged.name.as_str())
            .collect()
    }
}

fn rates(reference: &Judged) -> Result<Vec<Rate>> {
    let rate = |question: String, answer: String, request: &MeasureRequest| Rate {
        judged: reference.by(&format!("{question}: {answer}"), request),
        question,
        answer,
    };
    let with = |choice: choices::Choice| {
        let request = MeasureRequest {
            conventions: choice.conventions,
            ..reference.request.clone()
        };
        rate(choice.question, choice.option, &request)
    };
    let mut rates: Vec<Rate> = choices::one_at_a_time()?.into_iter().map(with).collect();
    if let (Some(first), images @ 2..) = (rates.first(), reference.request.images) {
        let request = MeasureRequest {
            images: images / 2,
            ..first.judged.request.clone()
        };
        let answer = format!("over {} images instead of {images}", request.images);
        rates.push(rate("averaging".to_owned(), answer, &request));
    }
    Ok(rates)
}
