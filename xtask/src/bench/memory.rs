//! Peak memory of a training step, seen by a process that does nothing else.

use super::{ours::Ours, size::Size};
use srr_kernels::{Cpu, MatmulPrecision};
use std::{env, error::Error, fs, process::Command};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Peak resident megabytes of a process that takes training steps of this size; none where the system does not tell.
pub(super) fn of_a_step(
    size: &Size,
    precision: MatmulPrecision,
    threads: usize,
) -> Result<Option<f64>> {
    if peak().is_none() {
        return Ok(None);
    }
    let output = Command::new(env::current_exe()?)
        .args(["bench", "--memory", "--size", size.name])
        .args(["--precision", precision.name()])
        .env("RAYON_NUM_THREADS", threads.to_string())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let megabytes = text.trim().parse();
    Ok(Some(megabytes.map_err(|_| {
        format!(
            "no memory was measured: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })?))
}

/// Takes three steps; the peak resident megabytes of this process.
pub(super) fn of_this_process(size: &Size, precision: MatmulPrecision) -> Result<f64> {
    let mut model = Ours::new(Cpu::<f32>::new().with_precision(precision), size)?;
    for _ in 0..3 {
        model.step(false)?;
    }
    peak().ok_or_else(|| "this system does not tell".into())
}

/// The line `VmHWM:  123 kB` of the kernel's account of this process.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    megabytes(&status)
}

/// What the kernel calls kB are 1,024 bytes.
fn megabytes(status: &str) -> Option<f64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    #[test]
    fn kernel_kilobytes_are_kibibytes() {
        let status = "Name:\ttrain\nVmPeak:\t 2000000 kB\nVmHWM:\t  781250 kB\n";
        assert_eq!(super::megabytes(status), Some(800.0));
        assert_eq!(super::megabytes("Name:\ttrain\n"), None);
    }
}
