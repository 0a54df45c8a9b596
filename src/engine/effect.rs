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
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// An exposure was recorded; its row, as JSON.
    Recorded(String),
    /// An exposure was not recorded: there was no room, or the answer is no longer the one that was seen. A later read has
    /// to record it.
    Refused,
    /// Answers, or what was recorded, may have changed: forget what is cached.
    Stale,
    /// Send this batch.
    Send(Batch),
    /// Give up waiting for the answer to this flight.
    Abort {
        flight: u32,
    },
    /// Call back after this many milliseconds. There is never more than one such call under way.
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
    /// Whether the page is going away.
    pub exit: bool,
}
