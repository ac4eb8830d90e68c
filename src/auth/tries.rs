//! How often somebody may try to sign in.

use std::net::{IpAddr, Ipv6Addr};

use super::rate::Rate;
use crate::error::{Code, Error, Result};

/// Counts tries per address.
pub struct Tries(Rate<IpAddr>);

impl Tries {
    /// So many in a minute; 0: any number.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self(Rate::per_minute(per_minute))
    }

    /// Counts a try.
    ///
    /// # Errors
    /// `too_many_requests` for the one that is too many.
    pub fn count(&self, address: IpAddr) -> Result<()> {
        if self.0.takes(&household(address)) {
            return Ok(());
        }
        Err(Error::new(
            Code::TooManyRequests,
            "Too many tries to sign in from this address in a minute (server.login_tries_per_minute).",
        ))
    }
}

/// Whoever has one IPv6 address has its whole /64.
#[must_use]
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_tries() {
        let tries = Tries::new(2);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!([one, one, one].map(|from| tries.count(from).is_ok()), [true, true, false]);
        tries.count(other).unwrap();
        tries.count("::ffff:192.0.2.1".parse().unwrap()).unwrap_err();
        let [near, nearer, far] =
            ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"].map(|text| text.parse().unwrap());
        assert_eq!(
            [near, nearer, near, far].map(|from| tries.count(from).is_ok()),
            [true, true, false, true]
        );
        let any = Tries::new(0);
        assert!((0..1000).all(|_| any.count(one).is_ok()));
    }
}
