//! The lines of containers, each with the moment at which the engine read it.

use bollard::container::LogOutput;
use futures_util::{Stream, TryStreamExt as _};
use jiff::Timestamp;

use crate::deployer::{LogLine, LogPage, LogQuery};
use crate::error::{Error, ErrorKind, Result};

/// Lines with their moments.
pub(super) type Lines = Vec<(Timestamp, String)>;

/// From which second on the engine is to be asked, for a page that comes after another.
pub(super) fn since(query: &LogQuery) -> Result<Option<(Timestamp, i32)>> {
    let Some(after) = &query.after else { return Ok(None) };
    let wrong = || {
        Error::new(ErrorKind::InvalidInput, "the log can't go on from there")
            .in_operation("deployer.logs")
            .with("after", after.escape_debug())
            .help("pass the `next` of the page before, unchanged")
    };
    let at: Timestamp = after.parse().map_err(|_| wrong())?;
    Ok(Some((at, i32::try_from(at.as_second()).map_err(|_| wrong())?)))
}

/// Reads what the engine gives. A part of it may hold half a line, or several.
pub(super) async fn read(parts: impl Stream<Item = Result<LogOutput>>) -> Result<Lines> {
    let mut texts = [String::new(), String::new()];
    let mut parts = std::pin::pin!(parts);
    while let Some(part) = parts.try_next().await? {
        let at = usize::from(matches!(part, LogOutput::StdErr { .. }));
        if let Some(text) = texts.get_mut(at) {
            text.push_str(&part.to_string());
        }
    }
    let mut lines: Lines = texts.iter().flat_map(|text| text.lines()).filter_map(parse).collect();
    lines.sort_by_key(|(at, _)| *at);
    Ok(lines)
}

/// The page that was asked for, of all lines there are.
pub(super) fn page(mut lines: Lines, query: &LogQuery, after: Option<Timestamp>) -> LogPage {
    lines.sort_by_key(|(at, _)| *at);
    let limit = query.limit.max(1);
    match after {
        Some(after) => {
            lines.retain(|(at, _)| *at > after);
            lines.truncate(limit);
        }
        None => drop(lines.drain(..lines.len().saturating_sub(limit))),
    }
    let next = lines.last().map(|(at, _)| *at).or(after).unwrap_or(Timestamp::UNIX_EPOCH);
    LogPage {
        next: Some(next.to_string()),
        lines: lines.into_iter().map(|(_, text)| LogLine { text }).collect(),
    }
}

fn parse(line: &str) -> Option<(Timestamp, String)> {
    let (at, text) = line.split_once(' ').unwrap_or((line, ""));
    Some((at.parse().ok()?, text.trim_end_matches('\r').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(error: bool, text: &'static str) -> Result<LogOutput> {
        let message = text.into();
        Ok(if error { LogOutput::StdErr { message } } else { LogOutput::StdOut { message } })
    }

    fn texts(page: &LogPage) -> Vec<&str> {
        page.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[tokio::test]
    async fn lines_come_in_order_and_each_once() {
        let parts = [
            out(false, "2026-01-01T00:00:01.000000001Z one\n2026-01-01T00:00:03Z th"),
            out(true, "2026-01-01T00:00:02Z two\n"),
            out(false, "ree\n2026-01-01T00:00:04.5Z \n"),
        ];
        let lines = read(futures_util::stream::iter(parts)).await.unwrap();
        let last = page(lines.clone(), &LogQuery { after: None, limit: 2 }, None);
        assert_eq!(texts(&last), ["three", ""]);
        let first = page(lines.clone(), &LogQuery { after: None, limit: 9 }, None);
        assert_eq!(texts(&first), ["one", "two", "three", ""]);

        let query = LogQuery { after: Some("2026-01-01T00:00:01.000000001Z".into()), limit: 1 };
        let (after, second) = since(&query).unwrap().unwrap();
        assert_eq!(second, 1_767_225_601);
        let more = page(lines.clone(), &query, Some(after));
        assert_eq!(texts(&more), ["two"]);
        let query = LogQuery { after: last.next, limit: 9 };
        let (after, _) = since(&query).unwrap().unwrap();
        let none = page(lines, &query, Some(after));
        assert!(none.lines.is_empty());
        assert_eq!(none.next, query.after, "whoever follows asks from there again");
        assert!(since(&LogQuery { after: Some("x".into()), limit: 1 }).is_err());
    }
}
