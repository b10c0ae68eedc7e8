//! The other side: a Python process that answers lines of JSON.

use super::size::{PATCH, Size};
use serde_json::{Value, json};
use std::{
    env,
    error::Error,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the process times, by its own names.
pub(super) const MODES: [&str; 4] = ["eager f32", "compiled f32", "eager bf16", "compiled bf16"];

/// A running peer; it ends when this is dropped.
pub(super) struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// Its version, as it tells.
    pub(super) version: String,
}

impl Peer {
    /// Starts the interpreter `PEER_PYTHON` (`python3` without it) and has it load a model.
    pub(super) fn start(
        script: &Path,
        weights: &Path,
        size: &Size,
        threads: usize,
    ) -> Result<Self> {
        let interpreter = env::var_os("PEER_PYTHON").unwrap_or_else(|| "python3".into());
        let mut child = Command::new(&interpreter)
            .arg(script)
            .env("OMP_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let name = interpreter.display();
                format!("{name}: {error}; PEER_PYTHON names a Python interpreter that has PyTorch")
            })?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no pipe from the peer")?;
        let mut peer = Self {
            child,
            input,
            output: BufReader::new(output),
            version: String::new(),
        };
        let answer = peer.ask(&json!({
            "do": "load", "weights": weights, "depth": size.depth, "heads": size.heads, "patch": PATCH, "threads": threads,
        }))?;
        peer.version = format!("PyTorch {}", answer["torch"].as_str().unwrap_or("?"));
        Ok(peer)
    }

    pub(super) fn ask(&mut self, request: &Value) -> Result<Value> {
        let input = self.input.as_mut().ok_or("the peer's input is closed")?;
        // A peer that could not start says why before it reads anything.
        let sent = writeln!(input, "{request}").and_then(|()| input.flush());
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            sent?;
            return Err(format!("the peer ended without an answer to {request}").into());
        }
        let answer: Value = serde_json::from_str(&line)?;
        match answer.get("error") {
            Some(error) => Err(format!("the peer: {}", error.as_str().unwrap_or("?")).into()),
            None => Ok(answer),
        }
    }

    /// Peak resident memory so far, in megabytes.
    pub(super) fn memory(&mut self) -> Result<f64> {
        let answer = self.ask(&json!({ "do": "memory" }))?;
        answer["megabytes"]
            .as_f64()
            .ok_or_else(|| "no number from the peer".into())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.input.take());
        // An error here means that it has ended already.
        let _ = self.child.wait();
    }
}
