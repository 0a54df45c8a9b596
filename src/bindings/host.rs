//! What the engine calls: the facade. Each call returns at once, and comes when no state is borrowed.

use crate::browser::storage::Area;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Texts by key, and whether other clients and other tabs read them. */
export interface Area {
  getItem(key: string): string | null
  /** Throws when the text could not be stored. */
  setItem(key: string, text: string): void
  removeItem(key: string): void
  readonly isShared: boolean
  /** Whether anything may outlive the page: the options say so, and the person agrees. */
  readonly mayStore: boolean
}

/** What the facade does for the engine. None of these may throw. */
export interface Host {
  /**
   * Sends this and reports the outcome to `Engine.settled`. With `keepalive` it may outlive the page. False when `fetch` threw at
   * once.
   */
  post(flight: number, body: string, keepalive: boolean): boolean
  /** What the engine uses as localStorage. */
  readonly area: Area
  /**
   * Keep this row where the next page finds it: `e` or `l` (an exposure or a link) and its JSON. `number` names it; 0 when it is
   * sent nowhere. `checksum`: the line's, 32 bits. `isNew`: an exposure was recorded just now.
   */
  keep(number: number, checksum: number, line: string, isNew: boolean): void
  /** Keep these ledgers beside the rows, in the place of those kept before: JSON, or empty for none. */
  keepLedgers(text: string): void
  /** These rows need not be kept any more. */
  release(numbers: Uint32Array): void
  /** Abort this request, if it is still under way. */
  abort(flight: number): void
  /** Call `Engine.tick` after so many milliseconds. It takes the place of what was asked for before. */
  wakeIn(delayMs: number): void
  /** Forget what is cached: answers may have changed. */
  stale(): void
  /** The session was stored: tell the page's other clients, whom no `storage` event reaches. */
  sessionStored(key: string, text: string): void
  /** An attempt to send has begun or ended. `ids`: a list of texts as JSON. */
  delivery(status: "sending" | "acknowledged" | "failed", batchId: string, ids: string, pending: number): void
  /** A flush has ended. */
  flushed(delivered: number, pending: number): void
}
"#;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(typescript_type = "Host")]
    pub type Host;

    #[wasm_bindgen(method)]
    pub fn post(this: &Host, flight: u32, body: &str, keepalive: bool) -> bool;
    #[wasm_bindgen(method, getter)]
    pub fn area(this: &Host) -> Area;
    #[wasm_bindgen(method)]
    pub fn keep(this: &Host, number: u32, checksum: u32, line: &str, is_new: bool);
    #[wasm_bindgen(method, js_name = keepLedgers)]
    pub fn keep_ledgers(this: &Host, text: &str);
    #[wasm_bindgen(method)]
    pub fn release(this: &Host, numbers: Vec<u32>);
    #[wasm_bindgen(method)]
    pub fn abort(this: &Host, flight: u32);
    #[wasm_bindgen(method, js_name = wakeIn)]
    pub fn wake_in(this: &Host, delay_ms: f64);
    #[wasm_bindgen(method)]
    pub fn stale(this: &Host);
    #[wasm_bindgen(method, js_name = sessionStored)]
    pub fn session_stored(this: &Host, key: &str, text: &str);
    #[wasm_bindgen(method)]
    pub fn delivery(this: &Host, status: &str, batch_id: &str, ids: &str, pending: u32);
    #[wasm_bindgen(method)]
    pub fn flushed(this: &Host, delivered: u32, pending: u32);
}
