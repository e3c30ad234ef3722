use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, PoisonError};

use vitesse_core::mapping::value::write_string;
use vitesse_core::transform::{BLOCK, Failure, Plan, Stream};
use vitesse_core::{Error, ErrorKind, Result};

use super::Policy;
use super::input::Input;
use super::output::Output;
use super::report::Report;
use super::trace::Tracer;
use crate::args::Transform;

/// The work of one run.
pub(crate) struct Work<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) options: &'a Transform,
    pub(crate) policy: Policy,
    pub(crate) report: &'a Report,
    pub(crate) tracer: Option<&'a Tracer<'a>>,
}

/// A failure as it is kept until its turn to be told.
struct Failed {
    record: u64,
    offset: u64,
    error: Error,
    text: Vec<u8>,
}

impl Work<'_> {
    pub(crate) fn run(
        &self,
        input: &mut Input,
        output: &mut Output,
        letters: Option<&mut Output>,
    ) -> Result<()> {
        let mut first = vec![0; BLOCK];
        let mut filled = 0;
        let threads = threads(self.options.threads.get());
        if threads > 1 && self.options.limit.is_none() && self.options.trace.is_none() {
            // The first block tells whether the text can be cut between records.
            while filled < first.len() {
                let count = input.read(&mut first[filled..])?;
                if count == 0 {
                    break;
                }
                filled += count;
            }
            first.truncate(filled);
            let starts = first.iter().find(|byte| !byte.is_ascii_whitespace());
            if filled == BLOCK && starts == Some(&b'{') && cut(&first).is_some() {
                return self.in_threads(threads, input, first, output, letters);
            }
        } else {
            first.clear();
        }
        self.alone(input, &first, output, letters)
    }

    fn stream(&self) -> Stream<'_> {
        let stream = Stream::new(self.plan)
            .record_limit(self.options.max_record.get() << 20)
            .most_records(self.options.limit.unwrap_or(u64::MAX));
        match self.tracer {
            Some(tracer) => stream.watch(|number, text| tracer.tell(number, text)),
            None => stream,
        }
    }

    fn alone(
        &self,
        input: &mut Input,
        mut first: &[u8],
        output: &mut Output,
        mut letters: Option<&mut Output>,
    ) -> Result<()> {
        let mut stream = self.stream();
        let mut out = Vec::with_capacity(BLOCK + BLOCK / 4);
        let mut told = (0, 0);
        loop {
            let space = stream.space();
            let count = if first.is_empty() {
                input.read(space)?
            } else {
                let count = first.len().min(space.len());
                space[..count].copy_from_slice(&first[..count]);
                first = &first[count..];
                count
            };
            stream.filled(count);
            let last = count == 0;
            let mut failures = Vec::new();
            let flow = stream.run(last, &mut out, |failure| self.keep(failure, &mut failures))?;
            let failed = failures.len() as u64;
            self.report.add(stream.records() - told.0, failed, stream.bytes() - told.1);
            told = (stream.records(), stream.bytes());
            if (out.len() >= BLOCK / 2 || last || flow.is_break() || stream.is_done()) && !out.is_empty() {
                if !output.write(&out)? {
                    return Ok(());
                }
                out.clear();
            }
            self.tell(failures, 0, 0, letters.as_deref_mut())?;
            if last || stream.is_done() {
                return Ok(());
            }
        }
    }

    fn keep(&self, failure: Failure<'_>, kept: &mut Vec<Failed>) -> ControlFlow<()> {
        let text = if self.policy == Policy::DeadLetter { failure.text.to_vec() } else { Vec::new() };
        kept.push(Failed { record: failure.record, offset: failure.offset, error: failure.error, text });
        if self.policy == Policy::Fail { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Does with failures what the policy says. `records` and `offset` came before their block.
    fn tell(
        &self,
        failures: Vec<Failed>,
        records: u64,
        offset: u64,
        letters: Option<&mut Output>,
    ) -> Result<()> {
        let Some(letters) = letters else {
            return match failures.into_iter().next() {
                Some(failed) if self.policy == Policy::Fail => Err(failed
                    .error
                    .with("record", records + failed.record)
                    .with("offset", offset + failed.offset)),
                _ => Ok(()),
            };
        };
        for failed in failures {
            let mut line = format!(
                "{{\"record\":{},\"offset\":{},\"kind\":\"{}\",\"reason\":",
                records + failed.record,
                offset + failed.offset,
                failed.error.kind()
            );
            write_string(&failed.error.to_string(), &mut line);
            line.push_str(",\"text\":");
            write_string(&String::from_utf8_lossy(&failed.text), &mut line);
            line.push_str("}\n");
            letters.write(line.as_bytes())?;
        }
        Ok(())
    }

    /// Each thread reads a block of whole lines, transforms it, waits for its turn, and writes it.
    fn in_threads(
        &self,
        threads: usize,
        input: &mut Input,
        first: Vec<u8>,
        output: &mut Output,
        letters: Option<&mut Output>,
    ) -> Result<()> {
        let limit = self.options.max_record.get() << 20;
        let source = Mutex::new(Source { input, rest: first, next: 0, ended: false, limit });
        let sink = Mutex::new(Sink {
            output,
            letters,
            turn: 0,
            records: 0,
            offset: 0,
            stopped: false,
            result: Ok(()),
        });
        let turn = Condvar::new();
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| self.one_thread(&source, &sink, &turn));
            }
            self.one_thread(&source, &sink, &turn);
        });
        sink.into_inner().unwrap_or_else(PoisonError::into_inner).result
    }

    fn one_thread(&self, source: &Mutex<Source<'_>>, sink: &Mutex<Sink<'_>>, turn: &Condvar) {
        let mut stream = self.stream();
        let mut out = Vec::with_capacity(BLOCK + BLOCK / 4);
        loop {
            out.clear();
            stream.restart();
            let taken = source.lock().unwrap_or_else(PoisonError::into_inner).take(&mut stream);
            let number = match &taken {
                Ok(Some(number)) | Err((number, _)) => *number,
                Ok(None) => return,
            };
            let mut failures = Vec::new();
            let result = match taken {
                Err((_, error)) => Err(error),
                Ok(_) => stream.run(true, &mut out, |failure| self.keep(failure, &mut failures)),
            };
            let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
            while sink.turn != number {
                sink = turn.wait(sink).unwrap_or_else(PoisonError::into_inner);
            }
            sink.turn += 1;
            if !sink.stopped {
                self.report.add(stream.records(), failures.len() as u64, stream.bytes());
                let (records, offset) = (sink.records, sink.offset);
                sink.records += stream.records();
                sink.offset += stream.bytes();
                let written = sink.output.write(&out);
                let told = self.tell(failures, records, offset, sink.letters.as_deref_mut());
                let result = result.and(told).and(written);
                if !matches!(result, Ok(true)) {
                    sink.stopped = true;
                    sink.result = result.map(|_| ());
                    source.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
                }
            }
            let stopped = sink.stopped;
            drop(sink);
            turn.notify_all();
            if stopped {
                return;
            }
        }
    }
}

/// More threads than this only cost memory.
fn threads(wanted: usize) -> usize {
    let most = 4 * std::thread::available_parallelism().map_or(1, usize::from);
    wanted.min(most)
}

/// The last place where text can be cut between two records: behind a line feed that has a closing brace before
/// it and an opening one behind it. No valid record has that inside, however it is laid out.
fn cut(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    while let Some(feed) = text[..end].iter().rposition(|byte| *byte == b'\n') {
        let next = text[feed..].iter().find(|byte| !byte.is_ascii_whitespace());
        let before = text[..feed].iter().rev().find(|byte| !byte.is_ascii_whitespace());
        if next == Some(&b'{') && before == Some(&b'}') {
            return Some(feed + 1);
        }
        end = feed;
    }
    None
}

struct Source<'a> {
    input: &'a mut Input,
    /// What was read behind the last whole line.
    rest: Vec<u8>,
    next: u64,
    ended: bool,
    /// The most bytes a record may have.
    limit: usize,
}

impl Source<'_> {
    /// Fills an empty stream with whole lines; gives the number of the block, or nothing at the end.
    fn take(&mut self, stream: &mut Stream<'_>) -> Result<Option<u64>, (u64, Error)> {
        if self.ended {
            return Ok(None);
        }
        let number = self.next;
        self.next += 1;
        let (mut has_text, mut longest) = (false, 0);
        loop {
            let space = stream.space();
            let mut count = self.rest.len().min(space.len());
            space[..count].copy_from_slice(&self.rest[..count]);
            self.rest.drain(..count);
            if self.rest.is_empty() {
                // Reads may be short (a pipe gives 64 KiB): go on until the block is full.
                while count < space.len() {
                    match self.input.read(&mut space[count..]) {
                        Ok(0) => {
                            self.ended = true;
                            break;
                        }
                        Ok(more) => count += more,
                        Err(error) => {
                            self.ended = true;
                            return Err((number, error));
                        }
                    }
                }
            }
            if self.ended && self.rest.is_empty() {
                stream.filled(count);
                return Ok((has_text || count > 0).then_some(number));
            }
            if let Some(end) = cut(&space[..count]) {
                let rest = space[end..count].to_vec();
                stream.filled(end);
                self.rest.splice(..0, rest);
                return Ok(Some(number));
            }
            has_text = true;
            stream.filled(count);
            longest += count;
            if longest > self.limit + BLOCK {
                self.ended = true;
                let message = "no record ends within the limit for one";
                return Err((number, Error::new(ErrorKind::LimitExceeded, message)
                    .in_operation("runtime.transform")
                    .with("limit", self.limit)
                    .help("records that don't begin on a line of their own need --threads 1, long ones --max-record")));
            }
        }
    }
}

struct Sink<'a> {
    output: &'a mut Output,
    letters: Option<&'a mut Output>,
    /// Which block is written next.
    turn: u64,
    records: u64,
    offset: u64,
    stopped: bool,
    result: Result<()>,
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn text_is_cut_between_records_only() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(cut(text.as_bytes()).map(|at| &text[at..]), expected, "{text}");
        };
        check("{\"a\":1}\n{\"a\":2}\n", Some("{\"a\":2}\n"));
        check("{\"a\":1}\r\n\r\n  {\"a\":2", Some("  {\"a\":2"));
        check("{\n \"a\": {\n }\n}\n{\n \"b\":\n{", Some("{\n \"b\":\n{"));
        check("{\"a\":[{\"b\":1},\n{\"b\":2}\n,{\"b\":3}\n]}\n", None);
        check("{\"a\":1}{\"a\":2}", None);
    }
}
