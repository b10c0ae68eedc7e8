//! A small HTTP server on the loopback interface, for tests of the download.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// How the server answers one connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// As asked, ranges included.
    Honest,
    /// Promises everything asked for and closes after this many bytes.
    Break(usize),
    /// Sends a body in chunks, without saying how long it is, and closes after a first chunk of this many bytes.
    BreakChunked(usize),
    /// The whole file, whatever range was asked for.
    IgnoreRange,
    /// As many bytes as asked for, the last of them wrong.
    Corrupt,
    /// A range that begins one byte too late.
    WrongRange,
    /// This status and nothing else.
    Status(u16),
}

/// Serves one body under any path, one answer per connection, and stops after the last.
pub(super) struct Server {
    address: SocketAddr,
    ranges: Arc<Mutex<Vec<Option<String>>>>,
}

impl Server {
    pub(super) fn start(body: Vec<u8>, answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let seen = ranges.clone();
        thread::spawn(move || {
            for answer in answers {
                let Ok((stream, _)) = listener.accept() else {
                    return;
                };
                // A client that goes away early is part of some tests.
                let _ = serve(stream, &body, answer, &seen);
            }
        });
        Self { address, ranges }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The `Range` header of each request so far.
    pub(super) fn ranges(&self) -> Vec<Option<String>> {
        self.ranges.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    body: &[u8],
    answer: Answer,
    seen: &Mutex<Vec<Option<String>>>,
) -> std::io::Result<()> {
    let mut range = None;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("range")
        {
            range = Some(value.to_string());
        }
    }
    seen.lock().unwrap().push(range.clone());
    let start = range.and_then(|r| {
        r.strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<usize>()
            .ok()
    });
    let start = start.filter(|_| !matches!(answer, Answer::IgnoreRange));
    if let Answer::Status(status) = answer {
        return write!(
            stream,
            "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    if let Answer::BreakChunked(bytes) = answer {
        write!(
            stream,
            "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{bytes:x}\r\n"
        )?;
        stream.write_all(&body[..bytes])?;
        return write!(stream, "\r\n");
    }
    let total = body.len();
    let mut content = match start {
        Some(start) if start >= total => {
            return write!(
                stream,
                "HTTP/1.1 416 x\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        Some(start) => {
            let shown = start + usize::from(matches!(answer, Answer::WrongRange));
            let last = total - 1;
            write!(
                stream,
                "HTTP/1.1 206 x\r\nContent-Range: bytes {shown}-{last}/{total}\r\n"
            )?;
            body[shown..].to_vec()
        }
        None => {
            write!(stream, "HTTP/1.1 200 x\r\n")?;
            body.to_vec()
        }
    };
    write!(
        stream,
        "Content-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    )?;
    match answer {
        Answer::Break(bytes) => content.truncate(bytes),
        Answer::Corrupt => content.last_mut().into_iter().for_each(|byte| *byte ^= 1),
        _ => {}
    }
    stream.write_all(&content)
}
