//! The one request that a person's browser brings back from an authorization server.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::error::{Error, ErrorKind, Result};
use crate::net::Url;
use crate::secret::Secret;

/// The longest head of a request that is read.
const HEAD: usize = 16 << 10;

/// Listens on this machine alone, for as long as it exists.
#[derive(Debug)]
pub(super) struct Loopback {
    listener: TcpListener,
    port: u16,
}

/// What came back.
pub(super) struct Answer {
    pub(super) code: Secret,
}

impl Loopback {
    /// Listens on a port, or on any free one.
    pub(super) async fn listen(port: u16) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Io, "the answer of the authorization server can't be listened for")
                .in_operation("orchestrator.authorize")
                .with("port", port)
                .with("cause", &error)
                .source(error)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// The address that the authorization server sends the browser back to.
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}/callback", self.port)
    }

    /// Waits for the answer with this state. Whatever else knocks is sent away.
    pub(super) async fn answer(&self, state: &str) -> Result<Answer> {
        loop {
            let Ok((mut stream, _)) = self.listener.accept().await else { continue };
            let mut head = Vec::new();
            let mut buffer = [0; 2048];
            let read = async {
                while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD {
                    match stream.read(&mut buffer).await {
                        Ok(count) if count > 0 => head.extend_from_slice(&buffer[..count]),
                        _ => break,
                    }
                }
            };
            // One that says nothing must not keep the browser waiting.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(5), read).await;
            let outcome = understand(&head, state);
            let page = match &outcome {
                None => reply("404 Not Found", "There is nothing here."),
                Some(Ok(_)) => reply("200 OK", "The connection is authorised. You can close this window."),
                Some(Err(_)) => {
                    reply("400 Bad Request", "The connection was not authorised. Look at Vitesse.")
                }
            };
            let _ = stream.write_all(page.as_bytes()).await;
            let _ = stream.shutdown().await;
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }
}

/// What a request says; nothing if it isn't the answer that is waited for.
fn understand(head: &[u8], state: &str) -> Option<Result<Answer>> {
    let line = std::str::from_utf8(head).ok()?.lines().next()?;
    let target = line.strip_prefix("GET ")?.split(' ').next()?;
    let url = Url::parse(&format!("http://127.0.0.1{target}")).ok()?;
    if url.path() != "/callback" {
        return None;
    }
    let value =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    // An answer to somebody else's question could bind somebody else's account to this connection.
    if !Secret::new(state).is(&value("state")?) {
        return None;
    }
    if let Some(code) = value("code").filter(|code| !code.is_empty()) {
        return Some(Ok(Answer { code: Secret::new(code) }));
    }
    let why: String = value("error")?.chars().filter(|c| !c.is_control()).take(100).collect();
    let more = value("error_description").unwrap_or_default();
    let error = Error::new(ErrorKind::CredentialRefused, format!("the authorization was refused: {why}"))
        .in_operation("orchestrator.authorize");
    let more: String = more.chars().filter(|c| !c.is_control()).take(200).collect();
    Some(Err(if more.is_empty() { error } else { error.with("description", more) }))
}

fn reply(status: &str, text: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{text}",
        text.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, expect: Option<Result<&str, &str>>) {
        let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
        match (understand(head.as_bytes(), "right"), expect) {
            (None, None) => {}
            (Some(Ok(answer)), Some(Ok(code))) => assert!(answer.code.is(code)),
            (Some(Err(error)), Some(Err(text))) => assert!(error.to_string().contains(text), "{error}"),
            (found, expect) => panic!("{:?} instead of {expect:?}", found.map(|found| found.map(|_| ()))),
        }
    }

    #[test]
    fn only_the_answer_that_is_waited_for_counts() {
        check("/callback?code=a%2Fb&state=right", Some(Ok("a/b")));
        check("/callback?code=a&state=wrong", None);
        check("/callback?code=a", None);
        check("/favicon.ico", None);
        check("/other?code=a&state=right", None);
        check("/callback?error=access_denied&state=right", Some(Err("access_denied")));
        check("/callback?error=access_denied&error_description=said+no&state=right", Some(Err("said no")));
        assert!(understand(b"\xff\xfe", "right").is_none());
        assert!(understand(b"", "right").is_none());
    }
}
