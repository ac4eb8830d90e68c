//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;

use crate::app::App;

/// The address of whoever asks. What `X-Forwarded-For` says counts as far as `server.trusted_proxies` have said
/// it: each proxy appends whom it was asked by, so it is read from its end.
pub fn of(request: &HttpRequest, app: &App) -> IpAddr {
    let peer = request.peer_addr().map_or(Ipv6Addr::UNSPECIFIED.into(), |peer| peer.ip().to_canonical());
    let said = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let said: Vec<&str> = said.flat_map(|value| value.split(',')).collect();
    behind(peer, said.into_iter().rev(), |address| app.config.server.trusts(address))
}

/// The scheme that whoever asks has used: that of the connection, or what `X-Forwarded-Proto` of a trusted proxy
/// says.
pub fn scheme<'r>(request: &'r HttpRequest, app: &App) -> &'r str {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let said = request.headers().get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    match said.map(str::trim).filter(|said| matches!(*said, "http" | "https")) {
        Some(said) if peer.is_some_and(|peer| app.config.server.trusts(peer)) => said,
        _ if request.app_config().secure() => "https",
        _ => "http",
    }
}

fn behind<'a>(peer: IpAddr, said: impl Iterator<Item = &'a str>, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut last = peer;
    for text in said {
        if !trusted(last) {
            break;
        }
        let Some(address) = address(text.trim()) else { break };
        last = address;
    }
    last
}

/// Some proxies add a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let found = bare.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|at| at.ip()));
    found.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = |address: IpAddr| address.to_string().starts_with("10.");
        for (peer, said, expected) in [
            ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
            ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
            ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
            ("10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
        ] {
            let found = behind(peer.parse().unwrap(), said.split(',').rev(), trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {said}");
        }
    }
}
