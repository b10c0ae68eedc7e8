//! Ctrl-C: a flag at the first, the end of the program at the second.

use srr_study::StopFlag;

/// Exit code of a program that Ctrl-C ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// A flag that Ctrl-C raises; a second Ctrl-C ends the program at once. `when` says when the first one does.
pub(crate) fn stop_on_signal(when: &'static str) -> Result<StopFlag, ctrlc::Error> {
    let stop = StopFlag::new();
    let flag = stop.clone();
    ctrlc::set_handler(move || {
        if flag.raised() {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprintln!("stopping {when}; once more to stop at once");
        flag.raise();
    })?;
    Ok(stop)
}
