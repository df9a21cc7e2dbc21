//! The address of the client, also behind trusted proxies.

use std::net::{IpAddr, SocketAddr};

use config::Network;
use hyper::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Returns the address of the client of a request that `peer` has sent. An entry of `X-Forwarded-For` counts if a proxy
/// in `trusted` added it. Entries further to the left, which a client can forge, do not count.
pub(super) fn client_address(
    peer: SocketAddr,
    headers: &HeaderMap,
    trusted: &[Network],
) -> SocketAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer;
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut hops = values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.rsplit(','));
    while is_trusted(client.ip()) {
        let Some(Ok(hop)) = hops.next().map(|hop| hop.trim().parse::<IpAddr>()) else { break };
        client = SocketAddr::new(hop, 0);
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_of_trusted_proxies_count() {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        for (peer, forwarded, client) in [
            ("192.0.2.1:7", &["198.51.100.1"][..], "192.0.2.1:7"),
            ("10.0.0.1:7", &[], "10.0.0.1:7"),
            ("10.0.0.1:7", &["198.51.100.1"], "198.51.100.1:0"),
            ("10.0.0.1:7", &["203.0.113.9, 198.51.100.1"], "198.51.100.1:0"),
            ("10.0.0.1:7", &["203.0.113.9", "198.51.100.1, 10.0.0.2"], "198.51.100.1:0"),
            ("10.0.0.1:7", &["198.51.100.1, unknown"], "10.0.0.1:7"),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED_FOR, value.parse().expect("a value"));
            }
            let peer = peer.parse().expect("an address");
            assert_eq!(
                client_address(peer, &headers, &trusted).to_string(),
                client,
                "{forwarded:?}"
            );
        }
    }
}
