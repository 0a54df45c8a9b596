//! Browser and operating system, from the user agent. The user agent itself is not kept: it can single people out.

use woothee::parser::Parser;

/// Longer user agents are not looked at, in bytes. Those of browsers have 70 to 300.
const MAX_BYTES: usize = 1024;

/// Families without versions. `None` for what is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserAgent {
    pub browser: Option<String>,
    pub os: Option<String>,
}

pub fn parse(user_agent: &str) -> UserAgent {
    if user_agent.len() > MAX_BYTES {
        return UserAgent::default();
    }
    let known = |name: &str| (name != "UNKNOWN").then(|| name.to_owned());
    Parser::new()
        .parse(user_agent)
        .map_or_else(UserAgent::default, |found| UserAgent { browser: known(found.name), os: known(found.os) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(user_agent: &str, browser: Option<&str>, os: Option<&str>) {
        let expected = UserAgent { browser: browser.map(str::to_owned), os: os.map(str::to_owned) };
        assert_eq!(parse(user_agent), expected, "{user_agent}");
    }

    #[test]
    fn today_s_browsers_are_told_apart() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        let apple = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        check(
            &format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/156.0.0.0 Safari/537.36"),
            Some("Chrome"),
            Some("Linux"),
        );
        check(
            &format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"),
            Some("Edge"),
            Some("Windows 10"),
        );
        check("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", Some("Firefox"), Some("Linux"));
        check(
            &format!("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {apple} Version/18.5 Safari/605.1.15"),
            Some("Safari"),
            Some("Mac OSX"),
        );
        check(
            &format!(
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {apple} CriOS/140.0.0.0 Mobile/15E148 Safari/604.1"
            ),
            Some("Chrome"),
            Some("iPhone"),
        );
        check(
            &format!(
                "Mozilla/5.0 (Linux; Android 10; K) {webkit} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"
            ),
            Some("SamsungBrowser"),
            Some("Android"),
        );
    }

    #[test]
    fn what_is_not_known_is_absent() {
        check("", None, None);
        check("node", None, None);
        check(&"Chrome/1 ".repeat(1000), None, None);
    }
}
