//! Workers side by side on a list of tasks, longest first.

use crate::{Error, Result, StopFlag};
use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a worker waits before it looks again at tasks that other processes hold.
const POLL: Duration = Duration::from_millis(200);

/// Something a worker can be given.
pub trait Task: Sync {
    /// Expected cost in any unit; the costliest tasks start first.
    fn cost(&self) -> f64;

    /// Does the task, on the calling thread and the current rayon pool.
    ///
    /// # Errors
    /// Whatever makes it fail; the other workers then stop as soon as they can.
    fn attempt(&self, stop: &StopFlag) -> Result<Attempt>;
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It is done, by us now or by somebody before.
    Done,
    /// Somebody else is at it.
    Busy,
    /// The stop flag was raised before it was done.
    Stopped,
}

/// Does all tasks with `jobs` workers and returns when they are done.
///
/// With one worker a task may use all threads of the current rayon pool; with more, each has a pool for itself, of one thread, or of its
/// share of `jobs` threads where there are fewer tasks. Tasks that another process holds are looked at again until it has done or dropped them; `waiting` is told
/// their number whenever there is nothing else to do.
///
/// # Errors
/// The first error of a task, or [`Error::Interrupted`] when `stop` was raised.
pub fn run_all<T: Task>(
    tasks: &[T],
    jobs: NonZeroUsize,
    stop: &StopFlag,
    waiting: impl Fn(usize) + Sync,
) -> Result<()> {
    let queue = Queue::new(tasks);
    let workers = jobs.get().min(tasks.len());
    if jobs.get() == 1 {
        work(tasks, &queue, stop, &waiting);
    } else {
        std::thread::scope(|scope| {
            for worker in 0..workers {
                let threads = (jobs.get() + worker) / workers;
                let (queue, waiting) = (&queue, &waiting);
                scope.spawn(move || match pool(threads) {
                    Ok(pool) => pool.install(|| work(tasks, queue, stop, waiting)),
                    Err(error) => queue.fail(error),
                });
            }
        });
    }
    queue.outcome(stop)
}

/// A pool whose threads run what a worker does.
fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::Invalid {
            what: "starting a worker".to_owned(),
            problem: error.to_string(),
        })
}

/// What one worker does until nothing is left for it.
fn work<T: Task>(tasks: &[T], queue: &Queue, stop: &StopFlag, waiting: &(impl Fn(usize) + Sync)) {
    while !stop.raised() {
        match queue.next() {
            Next::Task(task) => match tasks[task].attempt(stop) {
                Ok(Attempt::Done) => {}
                Ok(Attempt::Busy) => queue.postpone(task),
                Ok(Attempt::Stopped) => queue.mark_stopped(),
                Err(error) => queue.fail(error),
            },
            Next::Wait(held) => {
                waiting(held);
                std::thread::sleep(POLL);
                queue.recall();
            }
            Next::Nothing => return,
        }
    }
}

/// What a worker finds when it asks for work.
enum Next {
    Task(usize),
    Wait(usize),
    Nothing,
}

/// The tasks not yet taken, shared by the workers.
struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    /// Not yet looked at, costliest first.
    pending: VecDeque<usize>,
    /// Held by somebody else when last looked at.
    postponed: Vec<usize>,
    stopped: bool,
    failure: Option<Error>,
}

impl Queue {
    fn new<T: Task>(tasks: &[T]) -> Self {
        let mut order: Vec<usize> = (0..tasks.len()).collect();
        order.sort_by(|&a, &b| tasks[b].cost().total_cmp(&tasks[a].cost()).then(a.cmp(&b)));
        Self(Mutex::new(State {
            pending: order.into(),
            ..State::default()
        }))
    }

    /// A worker that panicked has done no harm to the lists.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Next {
        let mut state = self.state();
        if state.failure.is_some() {
            return Next::Nothing;
        }
        match (state.pending.pop_front(), state.postponed.len()) {
            (Some(task), _) => Next::Task(task),
            (None, 0) => Next::Nothing,
            (None, held) => Next::Wait(held),
        }
    }

    fn postpone(&self, task: usize) {
        self.state().postponed.push(task);
    }

    fn recall(&self) {
        let mut state = self.state();
        let held = std::mem::take(&mut state.postponed);
        state.pending.extend(held);
    }

    fn mark_stopped(&self) {
        self.state().stopped = true;
    }

    fn fail(&self, error: Error) {
        self.state().failure.get_or_insert(error);
    }

    fn outcome(self, stop: &StopFlag) -> Result<()> {
        let state = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.failure {
            Some(error) => Err(error),
            None if state.stopped || stop.raised() => Err(Error::Interrupted),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A task that is busy for the first few looks, and counts how often it is done.
    struct Counted<'a> {
        name: usize,
        cost: f64,
        busy: AtomicUsize,
        done: AtomicUsize,
        order: &'a Mutex<Vec<usize>>,
    }

    impl Task for Counted<'_> {
        fn cost(&self) -> f64 {
            self.cost
        }

        fn attempt(&self, _: &StopFlag) -> Result<Attempt> {
            let busy = |left: usize| left.checked_sub(1);
            if self
                .busy
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, busy)
                .is_ok()
            {
                return Ok(Attempt::Busy);
            }
            self.done.fetch_add(1, Ordering::SeqCst);
            self.order.lock().unwrap().push(self.name);
            Ok(Attempt::Done)
        }
    }

    fn counted<'a>(costs: &[f64], busy: usize, order: &'a Mutex<Vec<usize>>) -> Vec<Counted<'a>> {
        let task = |(name, &cost)| Counted {
            name,
            cost,
            busy: busy.into(),
            done: 0.into(),
            order,
        };
        costs.iter().enumerate().map(task).collect()
    }

    fn jobs(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).unwrap()
    }

    #[test]
    fn one_worker_takes_the_longest_first_and_equals_in_order() {
        let order = Mutex::new(Vec::new());
        let tasks = counted(&[1.0, 3.0, 2.0, 3.0], 0, &order);
        run_all(&tasks, jobs(1), &StopFlag::new(), |_| ()).unwrap();
        assert_eq!(*order.lock().unwrap(), [1, 3, 2, 0]);
    }

    /// A task that notes how many threads it has.
    struct Threads(AtomicUsize);

    impl Task for Threads {
        fn cost(&self) -> f64 {
            1.0
        }

        fn attempt(&self, _: &StopFlag) -> Result<Attempt> {
            self.0.store(rayon::current_num_threads(), Ordering::SeqCst);
            Ok(Attempt::Done)
        }
    }

    #[test]
    fn few_tasks_share_all_threads() {
        for (count, expected) in [
            (1, vec![4]),
            (2, vec![2, 2]),
            (4, vec![1; 4]),
            (9, vec![1; 9]),
        ] {
            let tasks: Vec<_> = (0..count).map(|_| Threads(0.into())).collect();
            run_all(&tasks, jobs(4), &StopFlag::new(), |_| ()).unwrap();
            let found: Vec<usize> = tasks.into_iter().map(|task| task.0.into_inner()).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn every_task_is_done_once_whatever_the_number_of_workers() {
        for workers in [1, 2, 7] {
            let order = Mutex::new(Vec::new());
            let tasks = counted(&[1.0; 20], 0, &order);
            run_all(&tasks, jobs(workers), &StopFlag::new(), |_| ()).unwrap();
            assert!(
                tasks
                    .iter()
                    .all(|task| task.done.load(Ordering::SeqCst) == 1)
            );
        }
    }

    #[test]
    fn tasks_held_elsewhere_are_waited_for() {
        let order = Mutex::new(Vec::new());
        let tasks = counted(&[1.0, 2.0], 2, &order);
        let waits = AtomicUsize::new(0);
        let count = |held: usize| {
            waits.fetch_add(held, Ordering::SeqCst);
        };
        run_all(&tasks, jobs(1), &StopFlag::new(), count).unwrap();
        assert_eq!(waits.load(Ordering::SeqCst), 4);
        assert_eq!(order.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_raised_flag_ends_the_work() {
        let order = Mutex::new(Vec::new());
        let tasks = counted(&[1.0], 0, &order);
        let stop = StopFlag::new();
        stop.raise();
        assert!(matches!(
            run_all(&tasks, jobs(2), &stop, |_| ()),
            Err(Error::Interrupted)
        ));
        assert!(order.lock().unwrap().is_empty());
    }

    struct Failing;

    impl Task for Failing {
        fn cost(&self) -> f64 {
            1.0
        }

        fn attempt(&self, _: &StopFlag) -> Result<Attempt> {
            Err(Error::Shard {
                found: "x".to_owned(),
            })
        }
    }

    #[test]
    fn the_first_failure_is_returned() {
        for workers in [1, 3] {
            let outcome = run_all(&[Failing, Failing], jobs(workers), &StopFlag::new(), |_| ());
            assert!(matches!(outcome, Err(Error::Shard { .. })));
        }
    }
}
