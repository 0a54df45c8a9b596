//! What the two servers share.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::ledger::{Ledger, Outcome, Request, RequestKey};
use crate::script::Script;

pub struct Site {
    pub clock: Clock,
    /// Folders of static files; the first that has a file gives it.
    pub www: Vec<PathBuf>,
    /// Sent with each static file.
    pub headers: Vec<(String, String)>,
    /// Whether connections to the chaotic port serve more than one request.
    pub keep_alive: bool,
    script: Mutex<Script>,
    ledger: Mutex<Ledger>,
}

impl Site {
    pub fn new(www: Vec<PathBuf>, headers: Vec<(String, String)>, keep_alive: bool, seed: u64) -> Self {
        Self {
            clock: Clock::start(),
            www,
            headers,
            keep_alive,
            script: Mutex::new(Script::new(seed)),
            ledger: Mutex::new(Ledger::default()),
        }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kept also when a request panics: what was entered stays entered.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a request. It is over, as [`Outcome::Down`], when the result is dropped before [`Running::end`].
    pub fn begin(&self, mut request: Request) -> Running<'_> {
        let mut ledger = self.ledger();
        // Under the lock, so that requests are in the order of their times.
        request.at_ms = self.clock.now_ms();
        Running { site: self, key: ledger.begin(request), is_over: false }
    }
}

/// A request that waits for its answer.
pub struct Running<'a> {
    site: &'a Site,
    pub key: RequestKey,
    is_over: bool,
}

impl Running<'_> {
    /// To be called before the last thing that the client can notice is done.
    pub fn end(&mut self, outcome: Outcome, status: Option<u16>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let mut ledger = self.site.ledger();
        let now_ms = self.site.clock.now_ms();
        if let Some(request) = ledger.request(self.key) {
            (request.outcome, request.status, request.answered_ms) = (outcome, status, Some(now_ms));
        }
    }

    pub fn note(&self, change: impl FnOnce(&mut Request)) {
        self.site.ledger().request(self.key).map(change);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.end(Outcome::Down, None);
    }
}
