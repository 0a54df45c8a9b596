//! What is to be seen of the page.

/// Whether the page cannot be seen. False where there is no page.
pub fn is_hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.hidden())
}
