//! The one thread that writes: everything that waits is committed in one transaction, with one sync.
//!
//! Each operation stands in its own savepoint, so one that fails does not fail its neighbours. If the commit fails,
//! all of the group get the error, and the connection is thrown away: nothing that failed to sync is believed later.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::catalog::edition::Watch;
use crate::catalog::log::LogKeeper;
use crate::catalog::schema;
use crate::error::{OpenError, StoreError};
use crate::store::{Observation, Observer};

/// The most operations that share a commit, so that the first of them does not wait for a thousand.
const MAX_GROUP: usize = 256;

/// Does its work on the connection, if there is one, and returns what to say once the group is committed or is not.
type Operation = Box<dyn FnOnce(Option<&Connection>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What an operation does to what others may remember of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It adds media, or nothing: what was read before stays true.
    AddsMedia,
    /// Anything.
    Any,
}

enum Message {
    Run(Operation, Effect),
    EmptyLog(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

/// The sending side. Dropping it lets the thread finish what waits, then end.
pub(super) struct Writer {
    sender: Mutex<Option<Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        path: PathBuf,
        connection: Connection,
        observer: Option<Observer>,
        watch: Option<Arc<Watch>>,
    ) -> Result<Self, OpenError> {
        let (sender, receiver) = channel();
        let at = path.clone();
        let log = LogKeeper::start(&path)?;
        let mut connection = connection;
        log.follow(&mut connection)?;
        let writer = WriterThread { path, connection: Some(connection), log, receiver, observer, watch };
        let thread = std::thread::Builder::new()
            .name("wamedia-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| OpenError::Io { path: at, source })?;
        Ok(Self { sender: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        effect: Effect,
        operation: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        // Whoever asked may have gone; the work is done all the same.
        self.submit(effect, operation, move |result| drop(answer.send(result)));
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// As [`write`](Self::write), for who does not wait: `then` is told on the writer's thread, and must be quick. Where the
    /// writer ends first, it is dropped untold.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        effect: Effect,
        operation: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        let run = Box::new(move |connection: Option<&Connection>| -> Answer {
            // Without a connection the group fails as a whole, and this is never sent.
            let result = connection.map_or(Err(StoreError::Closed), |it| in_savepoint(it, operation));
            Box::new(move |committed| then(committed.and(result)))
        });
        // Closed: dropping `then` says so.
        let _ = self.send(Message::Run(run, effect));
    }

    pub(super) async fn empty_log(&self) -> Result<(), StoreError> {
        let (done, emptied) = oneshot::channel();
        self.send(Message::EmptyLog(done))?;
        emptied.await.map_err(|_| StoreError::Closed)
    }

    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.send(Message::Close(done)).is_ok() {
            let _ = closed.await;
        }
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn send(&self, message: Message) -> Result<(), StoreError> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().and_then(|sender| sender.send(message).ok()).ok_or(StoreError::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

/// One operation, undone alone if it fails.
fn in_savepoint<T>(
    connection: &Connection,
    operation: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.prepare_cached("SAVEPOINT operation")?.execute([])?;
    let result = operation(connection);
    // After some failures (disk full, I/O) SQLite has ended the whole transaction itself; the commit will say so.
    if !connection.is_autocommit() {
        if result.is_err() {
            connection.prepare_cached("ROLLBACK TO operation")?.execute([])?;
        }
        connection.prepare_cached("RELEASE operation")?.execute([])?;
    }
    result
}

struct WriterThread {
    path: PathBuf,
    /// None after a failed commit, until the next group opens a new one.
    connection: Option<Connection>,
    log: LogKeeper,
    receiver: Receiver<Message>,
    observer: Option<Observer>,
    /// Behind the connection, which it must outlive.
    watch: Option<Arc<Watch>>,
}

impl WriterThread {
    fn run(mut self) {
        // What was taken from the channel but does not belong to a group.
        let mut held = None;
        while let Some(message) = held.take().or_else(|| self.receiver.recv().ok()) {
            match message {
                Message::Run(first, mut effect) => {
                    let mut group = vec![first];
                    while group.len() < MAX_GROUP && held.is_none() {
                        match self.receiver.try_recv() {
                            Ok(Message::Run(operation, its_effect)) => {
                                group.push(operation);
                                effect = if its_effect == effect { effect } else { Effect::Any };
                            }
                            Ok(other) => held = Some(other),
                            Err(_) => break,
                        }
                    }
                    self.commit(group, effect);
                    if let Some(connection) = &self.connection {
                        self.log.after_commit(connection);
                    }
                }
                Message::EmptyLog(done) => {
                    self.empty_log();
                    let _ = done.send(());
                }
                Message::Close(done) => {
                    self.empty_log();
                    // Everything this thread holds is let go before it says so.
                    drop(self);
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    fn commit(&mut self, group: Vec<Operation>, effect: Effect) {
        let started = Instant::now();
        let operations = group.len();
        let mut answers = Vec::with_capacity(operations);
        let committed = self.run_group(group, effect, &mut answers);
        if let Err(error) = &committed {
            tracing::error!(%error, operations, "a group of catalog writes was not committed");
            // A failed sync may have left anything in the page cache; a new connection recovers from the log.
            self.connection = None;
        }
        if let Some(observer) = &self.observer {
            observer(Observation::GroupCommitted { operations, took: started.elapsed() });
        }
        for answer in answers {
            answer(match &committed {
                Ok(()) => Ok(()),
                Err(error) => {
                    Err(StoreError::NotCommitted { detail: error.to_string(), full: error.is_full() })
                }
            });
        }
    }

    fn run_group(
        &mut self,
        group: Vec<Operation>,
        effect: Effect,
        answers: &mut Vec<Answer>,
    ) -> Result<(), StoreError> {
        let watch = self.watch.clone();
        let begun = self.connection_for_group().and_then(|connection| {
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            Ok(connection)
        });
        let connection = begun.as_ref().ok();
        for operation in group {
            // SQLite ends the transaction itself after some failures; what follows must not run outside of one.
            let in_transaction = connection.filter(|connection| !connection.is_autocommit());
            answers.push(operation(in_transaction));
        }
        let connection = begun?;
        // Since the group has begun nobody else has committed, nor can before this commit.
        let adds_media = effect == Effect::AddsMedia;
        let adding = watch.as_ref().filter(|_| adds_media).map(|it| it.lineage.begin_adding(it.edition()));
        self.log.take_committed();
        connection.prepare_cached("COMMIT")?.execute([])?;
        if let (Some(watch), Some(adding)) = (&watch, adding) {
            adding.committed(self.log.take_committed(), watch.edition());
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Taken out for the group and put back after its commit.
    fn connection_for_group(&mut self) -> Result<Connection, StoreError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let mut connection = schema::open_for_writing(&self.path).map_err(|error| match error {
            OpenError::Catalog(error) => StoreError::Catalog(error),
            other => StoreError::NotCommitted { detail: other.to_string(), full: false },
        })?;
        self.log.follow(&mut connection)?;
        Ok(connection)
    }

    /// Moves the log into the file and empties it, as far as no reader of another process is in the way.
    fn empty_log(&self) {
        let Some(connection) = &self.connection else { return };
        let _held = self.log.wait();
        let emptied = connection
            // Uploads wait behind this: who reads for long is not waited for.
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
            .and(connection.busy_timeout(schema::BUSY_TIMEOUT));
        if let Err(error) = emptied {
            tracing::warn!(%error, "the catalog's log was not emptied; the next sweep or start will");
        }
    }
}
