//! What the engine calls: the facade. Each call returns at once, and comes when no state is borrowed.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::RequestInit;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What the facade does for the engine. None of these may throw. */
export interface Host {
  /** Calls `fetch` with these and reports the outcome to `Engine.settled`. False when `fetch` threw at once. */
  post(flight: number, init: RequestInit): boolean
  /** A timer has fired: call `Engine.tick`. */
  wake(): void
  /** The id of the timer that was set last. */
  keepTimer(id: unknown): void
  /** Forget what is cached: answers may have changed. */
  stale(): void
  /** The session was stored: tell the page's other clients, whom no `storage` event reaches. */
  sessionStored(key: string, text: string): void
  /** An attempt to send has begun or ended. */
  delivery(status: "sending" | "acknowledged" | "failed", batchId: string, ids: string[], pending: number): void
  /** A flush has ended. */
  flushed(delivered: number, pending: number): void
  /** Listener for the events of the page's life: call `Engine.pageEvent` or `Engine.storageEvent`. */
  readonly onEvent: (event: Event) => void
}
"#;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(typescript_type = "Host")]
    #[derive(Clone)]
    pub type Host;

    #[wasm_bindgen(method)]
    pub fn post(this: &Host, flight: u32, init: &RequestInit) -> bool;
    #[wasm_bindgen(method)]
    pub fn wake(this: &Host);
    #[wasm_bindgen(method, js_name = keepTimer)]
    pub fn keep_timer(this: &Host, id: JsValue);
    #[wasm_bindgen(method)]
    pub fn stale(this: &Host);
    #[wasm_bindgen(method, js_name = sessionStored)]
    pub fn session_stored(this: &Host, key: &str, text: &str);
    #[wasm_bindgen(method)]
    pub fn delivery(this: &Host, status: &str, batch_id: &str, ids: Vec<String>, pending: u32);
    #[wasm_bindgen(method)]
    pub fn flushed(this: &Host, delivered: u32, pending: u32);
    #[wasm_bindgen(method, getter, js_name = onEvent)]
    pub fn on_event(this: &Host) -> Function;
}
