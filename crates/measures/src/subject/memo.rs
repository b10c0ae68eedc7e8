//! A place for results that several measures need.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Results by name, computed at the first request.
///
/// Nothing is locked while a result is computed, so that computations may nest and run in parallel; two threads that ask for the same
/// at the same time may both compute it, and share the first that is done.
#[derive(Default)]
pub struct Memo {
    known: Mutex<HashMap<String, Arc<dyn Any + Send + Sync>>>,
}

impl Memo {
    /// An empty memo.
    pub fn new() -> Self {
        Self::default()
    }

    /// The result named `key`, from `compute` if it is not known yet. Failures are kept like results. A name
    /// stands for one type: under another it is computed at every request.
    pub fn get_or_compute<T, E>(
        &self,
        key: &str,
        compute: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E>
    where
        T: Send + Sync + 'static,
        E: Clone + Send + Sync + 'static,
    {
        if let Some(known) = self.lookup::<Result<Arc<T>, E>>(key) {
            return (*known).clone();
        }
        let result: Arc<Result<Arc<T>, E>> = Arc::new(compute().map(Arc::new));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(key.to_owned())
            .or_insert_with(|| result.clone());
        (*result).clone()
    }

    fn lookup<R: Send + Sync + 'static>(&self, key: &str) -> Option<Arc<R>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key)?.clone().downcast().ok()
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<&String> = known.keys().collect();
        names.sort();
        f.debug_struct("Memo").field("known", &names).finish()
    }
}
