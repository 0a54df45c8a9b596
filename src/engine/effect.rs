//! What the engine asks the shell to do. Plain data, carried out after the engine has returned.

/// A place in this client's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageKey {
    /// Device and anonymous id.
    Ids,
    Session,
    /// Hash of the last identified id.
    LastIdentity,
    /// Ids of acknowledged exposures.
    Acknowledged,
    /// The variants that units keep.
    Sticky,
    /// When the server may be tried again, for all tabs.
    Retry,
}

impl StorageKey {
    /// The end of the key in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ids => "d",
            Self::Session => "s",
            Self::LastIdentity => "i",
            Self::Acknowledged => "k",
            Self::Sticky => "t",
            Self::Retry => "r",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// An exposure was recorded that goes nowhere: its line, as in [`Effect::Keep`].
    Recorded(String),
    /// An exposure was not recorded: there was no room, or the answer is no longer the one that was seen. A later read has
    /// to record it.
    Refused,
    /// Answers, or what was recorded, may have changed: forget what is cached.
    Stale,
    /// Keep this row where the next page finds it, under a number of this client's own. Its line: `e` or `l` (an exposure or a
    /// link) and its JSON. `is_new`: it is an exposure that was recorded now.
    Keep {
        number: u32,
        line: String,
        is_new: bool,
    },
    /// Keep these ledgers beside the rows, in the place of those kept before: JSON, or empty for none.
    KeepLedgers(String),
    /// These rows need not be kept any more.
    Release(Vec<u32>),
    /// Send this batch.
    Send(Batch),
    /// Give up waiting for the answer to this flight.
    Abort {
        flight: u32,
    },
    /// Call back after this many milliseconds, instead of when it was asked for before.
    WakeIn(f64),
    Store {
        key: StorageKey,
        text: String,
    },
    Remove(StorageKey),
    /// Store the acknowledged ids, together with those that other tabs stored.
    StoreAcknowledged,
    /// An attempt to send has an outcome.
    Settled {
        batch_id: String,
        ids: Vec<String>,
        acknowledged: bool,
        pending: usize,
    },
    /// A flush that was asked for has ended.
    Flushed {
        delivered: usize,
        pending: usize,
    },
}

/// One attempt to deliver rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Names the attempt in this client.
    pub flight: u32,
    pub batch_id: String,
    /// `id` of each row.
    pub ids: Vec<String>,
    /// The request's body.
    pub body: String,
    pub pending: usize,
    /// Whether the request may outlive the page.
    pub keepalive: bool,
    /// Whether the page is going away.
    pub exit: bool,
}
