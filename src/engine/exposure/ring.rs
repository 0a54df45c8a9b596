//! The rows that wait for their acknowledgement: a bounded buffer, oldest first.

use super::id::Id;

/// The most rows that wait.
pub const MAX_ROWS: usize = 600;
/// The most bytes of rows that wait, each with what its line in the outbox has beside it. So many, and the keys of their
/// segments, fit in what all outboxes of an origin have in storage (252 Ki UTF-16 units).
pub const MAX_BYTES: usize = 247 * 1024;
/// What a line in the outbox has beside it: a checksum of up to seven characters, `|`, a line feed.
const LINE_BYTES: usize = 9;

/// A row that waits. Its text never changes again.
#[derive(Debug)]
pub struct Waiting {
    /// This client's own name for it, larger than those of the rows before it.
    pub number: u32,
    pub id: Id,
    /// As in [`Effect::Keep`](super::super::effect::Effect::Keep).
    pub line: String,
    /// A link rather than an exposure.
    pub link: bool,
    /// Sent before others and never evicted: the exposure of a flag with an experiment, and every link. (A page has few
    /// links, no read records a lost one again, and without it all exposures of a person are split in two.)
    pub precious: bool,
    /// The instance that recorded it: 0 for this one, else a number among those whose rows were adopted.
    pub origin: u32,
    /// When it was recorded, in Unix milliseconds by the clock of then.
    pub ts_ms: f64,
    /// Whether its id can come again, and is to be remembered once it is acknowledged.
    pub recurs: bool,
    /// The flight it is on, or 0.
    pub flight: u32,
    /// How many flights it was on before and is now.
    pub attempts: u32,
    /// The part of a refused batch that it is sent again with, and nothing else; 0 for none.
    pub group: u32,
}

impl Waiting {
    /// Its JSON.
    pub fn row(&self) -> &str {
        self.line.get(1..).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub struct Ring {
    rows: Vec<Waiting>,
    bytes: usize,
}

impl Ring {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Of all rows, with what their lines have beside them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn contains(&self, id: Id) -> bool {
        self.rows.iter().any(|waiting| waiting.id == id)
    }

    /// Whether a row of that instance waits.
    pub fn has_of(&self, origin: u32) -> bool {
        self.rows.iter().any(|waiting| waiting.origin == origin)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.rows.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Waiting> {
        self.rows.iter_mut()
    }

    /// Whether a line fits into half of the ring: the other half is for what is seen.
    pub fn has_spare_half(&self, line: &str) -> bool {
        self.rows.len() < MAX_ROWS / 2 && self.bytes + size_of(line) <= MAX_BYTES / 2
    }

    /// Whether so many more lines of so many bytes in all fit in. Where nothing waits there is room for any: they would
    /// never fit otherwise.
    pub fn has_room(&self, rows: usize, bytes: usize) -> bool {
        self.rows.is_empty()
            || (self.rows.len() + rows <= MAX_ROWS && self.bytes + bytes + rows * LINE_BYTES <= MAX_BYTES)
    }

    /// Makes room for a line: evicts the oldest rows that are not precious and on no flight.
    /// Gives those that were evicted; `None`, and evicts nothing, when that would not be enough.
    pub fn make_room(&mut self, line: &str) -> Option<Vec<Waiting>> {
        let may_go = |waiting: &&Waiting| !waiting.precious && waiting.flight == 0;
        let (mut rows_over, mut bytes_over) =
            ((self.rows.len() + 1).saturating_sub(MAX_ROWS), (self.bytes + size_of(line)).saturating_sub(MAX_BYTES));
        let mut evicted = 0;
        for waiting in self.rows.iter().filter(may_go) {
            if rows_over == 0 && bytes_over == 0 {
                break;
            }
            rows_over = rows_over.saturating_sub(1);
            bytes_over = bytes_over.saturating_sub(size_of(&waiting.line));
            evicted += 1;
        }
        if rows_over > 0 || bytes_over > 0 {
            return None;
        }
        Some(self.remove(evicted, &|waiting| may_go(&waiting)))
    }

    pub fn push(&mut self, waiting: Waiting) {
        self.bytes += size_of(&waiting.line);
        self.rows.push(waiting);
    }

    /// Removes the first of the rows that are `unwanted`, at most so many, and gives them.
    pub fn remove(&mut self, most: usize, unwanted: &dyn Fn(&Waiting) -> bool) -> Vec<Waiting> {
        if most == 0 {
            return Vec::new(); // Each row that is recorded asks.
        }
        let mut left = most;
        let goes = |waiting: &mut Waiting| {
            let goes = left > 0 && unwanted(waiting);
            left -= usize::from(goes);
            goes
        };
        let removed: Vec<Waiting> = self.rows.extract_if(.., goes).collect();
        self.bytes -= removed.iter().map(|waiting| size_of(&waiting.line)).sum::<usize>();
        removed
    }
}

fn size_of(line: &str) -> usize {
    line.len() + LINE_BYTES
}
