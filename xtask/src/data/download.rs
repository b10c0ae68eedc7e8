//! One file over HTTP, going on where an earlier try stopped.

#[cfg(test)]
mod tests;

use super::sources::Source;
use indicatif::{ProgressBar, ProgressStyle};
use md5::{Digest, Md5};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use ureq::{Agent, Body, http::Response};

/// Why a file could not be downloaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum DownloadError {
    #[error("{url}: {source}")]
    Connection {
        url: String,
        source: Box<ureq::Error>,
    },
    #[error("{url}: the server answered with status {status}")]
    Status { url: String, status: u16 },
    #[error("{url}: the server sent bytes {found:?} where those from {expected} were asked for")]
    Range {
        url: String,
        expected: u64,
        found: String,
    },
    #[error("{url}: the connection ended after {found} bytes{}", .expected.map(|n| format!(" of {n}")).unwrap_or_default())]
    Incomplete {
        url: String,
        expected: Option<u64>,
        found: u64,
    },
    #[error("{url}: the file is longer than {most} bytes")]
    TooLong { url: String, most: u64 },
    #[error("{url}: expected MD5 {expected}, found {found}; the download was thrown away")]
    Checksum {
        url: String,
        expected: String,
        found: String,
    },
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
}

impl DownloadError {
    /// Another try at the same address may help.
    fn is_passing(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::Incomplete { .. } | Self::Range { .. } => true,
            Self::Status { status, .. } => *status >= 500 || [408, 425, 429].contains(status),
            _ => false,
        }
    }
}

/// How patient a download is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Tries in a row that bring no new byte, before an address is given up.
    pub(super) tries: u32,
    /// Pause before the second try; each next one is twice as long.
    pub(super) pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 5,
            pause: Duration::from_secs(1),
        }
    }
}

/// Downloads a file into `folder` and returns its path. What has arrived stays in `FILE.part` until the file is whole and has the
/// published checksum; a later call goes on from there.
pub(super) fn download(
    source: &Source,
    folder: &Path,
    patience: Patience,
) -> Result<PathBuf, DownloadError> {
    let target = folder.join(&source.file);
    let mut last = None;
    for url in &source.urls {
        match download_from(url, source, folder, patience) {
            Ok(()) => return Ok(target),
            Err(error @ DownloadError::File { .. }) => return Err(error),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(DownloadError::File {
        path: target,
        source: io::ErrorKind::NotFound.into(),
    }))
}

fn download_from(
    url: &str,
    source: &Source,
    folder: &Path,
    patience: Patience,
) -> Result<(), DownloadError> {
    let agent = agent();
    let part = Part {
        url,
        path: folder.join(format!("{}.part", source.file)),
        most: source.most_bytes,
    };
    let bar = progress_bar(&source.file);
    let mut failures = 0;
    loop {
        let before = part.len()?;
        let outcome = part
            .fetch(&agent, &bar)
            .and_then(|()| part.check(&source.md5));
        let error = match outcome {
            Ok(()) => {
                bar.finish_and_clear();
                return part.finish(&folder.join(&source.file));
            }
            Err(error) => error,
        };
        // Bytes of an earlier call may be those of another file: with them gone, one more try is fair.
        let stale = matches!(error, DownloadError::Checksum { .. }) && before > 0;
        if !stale && !error.is_passing() {
            return Err(error);
        }
        failures = if part.len()? > before {
            0
        } else {
            failures + 1
        };
        if failures >= patience.tries {
            return Err(error);
        }
        std::thread::sleep(patience.pause * 2_u32.saturating_pow(failures.saturating_sub(1)));
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        // A stalled transfer is cut off here and goes on with the next try.
        .timeout_recv_body(Some(Duration::from_secs(600)))
        .user_agent(concat!("srr/", env!("CARGO_PKG_VERSION")))
        .build();
    config.into()
}

/// Hidden where no terminal watches.
fn progress_bar(name: &str) -> ProgressBar {
    const TEMPLATE: &str = "{prefix} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    let style =
        ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0)
        .with_style(style)
        .with_prefix(name.to_owned())
}

/// The part of a file that has arrived.
struct Part<'a> {
    url: &'a str,
    path: PathBuf,
    most: u64,
}

impl Part<'_> {
    fn failed(&self, source: io::Error) -> DownloadError {
        DownloadError::File {
            path: self.path.clone(),
            source,
        }
    }

    /// Bytes that have arrived.
    fn len(&self) -> Result<u64, DownloadError> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(e) => Err(self.failed(e)),
        }
    }

    fn throw_away(&self) -> Result<(), DownloadError> {
        match fs::remove_file(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.failed(e)),
            _ => Ok(()),
        }
    }

    /// Asks for what is missing and appends it.
    fn fetch(&self, agent: &Agent, bar: &ProgressBar) -> Result<(), DownloadError> {
        let have = self.len()?;
        let mut request = agent.get(self.url);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let response = request.call().map_err(|source| DownloadError::Connection {
            url: self.url.into(),
            source: Box::new(source),
        })?;
        let range = header(&response, "content-range").and_then(|text| ContentRange::parse(&text));
        match response.status().as_u16() {
            // The server does not do ranges: from the start.
            200 => self.append(response, 0, None, bar),
            206 => match range {
                Some(ContentRange {
                    start: Some(start),
                    total,
                }) if start == have => self.append(response, have, total, bar),
                _ => Err(DownloadError::Range {
                    url: self.url.into(),
                    expected: have,
                    found: header(&response, "content-range").unwrap_or_default(),
                }),
            },
            // Nothing follows: all is here, or what is here is not of this file.
            416 if have > 0 => match range {
                Some(ContentRange {
                    total: Some(total), ..
                }) if total == have => Ok(()),
                _ => {
                    self.throw_away()?;
                    Err(DownloadError::Range {
                        url: self.url.into(),
                        expected: have,
                        found: "none".into(),
                    })
                }
            },
            status => Err(DownloadError::Status {
                url: self.url.into(),
                status,
            }),
        }
    }

    /// Writes the body from byte `start` on, up to the end of the file at byte `total`, if known.
    fn append(
        &self,
        response: Response<Body>,
        start: u64,
        total: Option<u64>,
        bar: &ProgressBar,
    ) -> Result<(), DownloadError> {
        let length = header(&response, "content-length").and_then(|text| text.parse::<u64>().ok());
        let total = total.or_else(|| length.and_then(|n| start.checked_add(n)));
        bar.set_length(total.unwrap_or(0));
        let mut options = OpenOptions::new();
        let options = options
            .create(true)
            .append(start > 0)
            .write(true)
            .truncate(start == 0);
        let mut file = options.open(&self.path).map_err(|e| self.failed(e))?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let (mut found, mut broken) = (start, false);
        loop {
            bar.set_position(found);
            let n = match body.read(&mut buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    broken = true;
                    0
                }
                Ok(n) => n,
            };
            if n == 0 {
                break;
            }
            found += n as u64;
            if found > self.most {
                drop(file);
                self.throw_away()?;
                return Err(DownloadError::TooLong {
                    url: self.url.into(),
                    most: self.most,
                });
            }
            file.write_all(&buffer[..n]).map_err(|e| self.failed(e))?;
        }
        file.sync_all().map_err(|e| self.failed(e))?;
        if broken || total.is_some_and(|total| found < total) {
            return Err(DownloadError::Incomplete {
                url: self.url.into(),
                expected: total,
                found,
            });
        }
        Ok(())
    }

    /// Throws the part away if it is whole but wrong.
    fn check(&self, expected: &str) -> Result<(), DownloadError> {
        let found = md5(&self.path).map_err(|e| self.failed(e))?;
        if found == expected {
            return Ok(());
        }
        self.throw_away()?;
        Err(DownloadError::Checksum {
            url: self.url.into(),
            expected: expected.into(),
            found,
        })
    }

    fn finish(&self, target: &Path) -> Result<(), DownloadError> {
        fs::rename(&self.path, target).map_err(|e| self.failed(e))
    }
}

fn header(response: &Response<Body>, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(String::from)
}

/// The header that says which bytes these are.
#[derive(Debug, PartialEq)]
struct ContentRange {
    start: Option<u64>,
    total: Option<u64>,
}

impl ContentRange {
    /// `bytes 5-9/10`, `bytes 5-9/*` or `bytes */10`.
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        Some(Self {
            start: range
                .split_once('-')
                .and_then(|(start, _)| start.trim().parse().ok()),
            total: total.trim().parse().ok(),
        })
    }
}

/// MD5 of a file in hexadecimal digits.
pub(super) fn md5(path: &Path) -> io::Result<String> {
    let mut hash = Md5::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
