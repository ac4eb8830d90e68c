//! Rows on their way from the thread that parses to the one that writes.

use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use super::extracted::SetAside;
use crate::{
    engine::OutputRow,
    error::{Error, Result},
    execution::outcome::Message,
    load::{self, Row},
    runner::job::Stop,
};

/// Rows handed over at once.
const CHUNK: usize = 1_000;
/// Chunks that may wait for the writer: bounds memory whatever the file.
const WAITING: usize = 4;

/// The two ends.
pub(in crate::runner) fn channel() -> (Chunks, Arrivals) {
    let (send, receive) = sync_channel(WAITING);
    let chunks = Chunks { send, chunk: Vec::with_capacity(CHUNK), sources: None };
    (chunks, Arrivals { receive, ended: false })
}

/// What goes over the channel: rows, and at the end how the reading ended. Without an end the sender
/// died, and what arrived must not pass for everything.
enum Arrival {
    Rows(Vec<Row>),
    End,
    Failed(Error),
}

/// The sending side.
pub(in crate::runner) struct Chunks {
    send: SyncSender<Arrival>,
    chunk: Vec<Row>,
    /// The last source table's name: rows of one table share it.
    sources: Option<Arc<str>>,
}

impl Chunks {
    /// Takes a row; a full chunk is sent.
    pub fn add(
        &mut self,
        row: &OutputRow,
        values: Vec<load::Cell>,
        warnings: Vec<Message>,
    ) -> Result<(), Stop> {
        let source = row.table().map(|name| match &self.sources {
            Some(shared) if **shared == *name => Arc::clone(shared),
            _ => Arc::clone(self.sources.insert(name.into())),
        });
        self.chunk.push(Row { row: row.number(), line: row.line(), source, values, warnings });
        if self.chunk.len() == CHUNK {
            let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
            // A closed channel: the writer stopped and says why.
            self.send.send(Arrival::Rows(chunk)).map_err(|_| Stop::Cancelled)?;
        }
        Ok(())
    }

    /// Sends what is left, and how the reading ended.
    pub fn end(self, pass: Result<Option<SetAside>, Stop>) -> Result<Option<SetAside>, Stop> {
        let last = match &pass {
            Ok(_) => {
                let _ = self.send.send(Arrival::Rows(self.chunk));
                Arrival::End
            }
            Err(Stop::Cancelled) => Arrival::End,
            Err(Stop::Failed(sentence)) => Arrival::Failed(Error::invalid(sentence.clone())),
        };
        // A writer that has stopped already needs no end.
        let _ = self.send.send(last);
        pass
    }
}

/// The receiving side, as the load takes it.
pub(in crate::runner) struct Arrivals {
    receive: Receiver<Arrival>,
    ended: bool,
}

impl Iterator for Arrivals {
    type Item = Result<Vec<Row>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let arrival = self.receive.recv();
        self.ended = !matches!(arrival, Ok(Arrival::Rows(_)));
        match arrival {
            Ok(Arrival::Rows(rows)) => Some(Ok(rows)),
            Ok(Arrival::End) => None,
            Ok(Arrival::Failed(error)) => Some(Err(error)),
            Err(_) => Some(Err(Error::internal("reading the script's output ended without its end"))),
        }
    }
}
