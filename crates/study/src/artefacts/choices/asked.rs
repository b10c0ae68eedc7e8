//! What is measured: the sparse rate reduction by every convention, and every other measure by every option.

use super::super::{correlation::SRR, zoo};
use crate::{Result, measuring::MeasureRequest, plan::Context, profile};
use srr_measures::{Registry, choices};

/// One way to take the sparse rate reduction.
pub(super) struct Rate {
    /// Which question it answers differently; `default` for the reference.
    pub(super) question: String,
    /// How.
    pub(super) answer: String,
    pub(super) request: MeasureRequest,
}

/// One way to take the other measures, with those that it reaches.
pub(super) struct Other {
    pub(super) question: &'static str,
    pub(super) answer: &'static str,
    pub(super) requests: Vec<MeasureRequest>,
}

/// Everything that the artefact measures.
pub(super) struct Asked {
    /// The reference first, then one change at a time, then the official hook's answers together.
    pub(super) rates: Vec<Rate>,
    /// Every other measure as the study takes it.
    pub(super) usual: Vec<MeasureRequest>,
    /// The same measures by other options, one change at a time.
    pub(super) others: Vec<Other>,
}

impl Asked {
    pub(super) fn new(context: &Context<'_>, section: &profile::Choices) -> Result<Self> {
        let settings = section.measure.over(&context.profile.measure);
        let mut usual = zoo::requests(context, &section.measures, section.cost, &settings)?;
        usual.retain(|request| request.measure != SRR);
        let others = choices::of_measures(context.registry.options())
            .into_iter()
            .map(|choice| {
                let registry = Registry::with_options(&choice.options);
                let changed = |request: &MeasureRequest| {
                    let measure = registry.get(&request.measure).ok()?;
                    let changed = MeasureRequest::new(measure, &settings);
                    (changed != *request).then_some(changed)
                };
                Other {
                    question: choice.question,
                    answer: choice.option,
                    requests: usual.iter().filter_map(changed).collect(),
                }
            });
        Ok(Self {
            rates: rates(&MeasureRequest::srr(&settings))?,
            others: others.filter(|other| !other.requests.is_empty()).collect(),
            usual,
        })
    }

    /// The sparse rate reduction as all others are compared with it.
    pub(super) fn reference(&self) -> &MeasureRequest {
        &self.rates[0].request
    }

    pub(super) fn requests(&self) -> Vec<MeasureRequest> {
        self.columns()
            .into_iter()
            .map(|(_, request)| request)
            .collect()
    }

    /// One column per request, each under a name of its own.
    pub(super) fn columns(&self) -> Vec<(String, MeasureRequest)> {
        let rates = self.rates.iter().enumerate();
        let rates = rates.map(|(place, rate)| (rate_column(place), rate.request.clone()));
        let usual = self
            .usual
            .iter()
            .map(|request| (request.measure.clone(), request.clone()));
        let others = self.others.iter().flat_map(|other| {
            let column =
                |request: &MeasureRequest| (other.column(&request.measure), request.clone());
            other.requests.iter().map(column)
        });
        rates.chain(usual).chain(others).collect()
    }
}

/// The column of the sparse rate reduction taken in the way of this place.
pub(super) fn rate_column(place: usize) -> String {
    format!("{SRR} by choice {place}")
}

impl Other {
    /// The column of a measure taken in this way.
    pub(super) fn column(&self, measure: &str) -> String {
        format!("{measure} by {}", self.question)
    }

    /// The column of a measure where all that this way reaches are taken in it.
    pub(super) fn column_of_all(&self, measure: &str) -> String {
        match self
            .requests
            .iter()
            .any(|request| request.measure == measure)
        {
            true => self.column(measure),
            false => measure.to_owned(),
        }
    }
}

fn rates(reference: &MeasureRequest) -> Result<Vec<Rate>> {
    let rate = |choice: choices::Choice| Rate {
        question: choice.question,
        answer: choice.option,
        request: MeasureRequest {
            conventions: choice.conventions,
            ..reference.clone()
        },
    };
    let mut rates: Vec<Rate> = choices::one_at_a_time()?.into_iter().map(rate).collect();
    if let (Some(first), images @ 2..) = (rates.first(), reference.images) {
        let request = MeasureRequest {
            images: images / 2,
            ..first.request.clone()
        };
        rates.push(Rate {
            question: "averaging".to_owned(),
            answer: format!("over {} images instead of {images}", request.images),
            request,
        });
    }
    Ok(rates)
}
