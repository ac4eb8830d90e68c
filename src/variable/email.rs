//! E-mail addresses: one mailbox, no display name, a domain with at least one dot.

use email_address::{EmailAddress, Options};

use super::fault::{Fault, FaultCode};

/// Reads one address; white space around it does not count. The domain comes back in lower case, the
/// local part as it is: only its server knows whether case matters there.
///
/// `name@host` and `name@[127.0.0.1]` are refused though RFC 5322 has them: in a column of customers
/// they are slips.
pub fn parse_email(text: &str) -> Result<String, Fault> {
    let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
    let address = EmailAddress::parse_with_options(text.trim(), options)
        .map_err(|_| Fault::new(FaultCode::NotAnEmail, "an address such as name@example.com"))?;
    Ok(lower_domain(address.into()))
}

fn lower_domain(address: String) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return address };
    if !domain.contains(char::is_uppercase) {
        return address;
    }
    format!("{local}@{}", domain.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_lowered_and_the_local_part_kept() {
        for (text, address) in [
            ("ada@example.com", "ada@example.com"),
            (" Ada.L+x@Example.COM ", "Ada.L+x@example.com"),
            ("o'hara@mail.example.co.uk", "o'hara@mail.example.co.uk"),
            ("jörg@BÜCHER.example", "jörg@bücher.example"),
        ] {
            assert_eq!(parse_email(text).as_deref(), Ok(address));
        }
    }

    #[test]
    fn what_is_no_mailbox_is_refused() {
        for text in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@host",
            "a b@example.com",
            "ada@exam ple.com",
            "ada@example..com",
            "ada@-example.com",
            "Ada <ada@example.com>",
            "<ada@example.com>",
            "ada@[127.0.0.1]",
            "ada@example.com,bob@example.com",
        ] {
            assert_eq!(parse_email(text).map_err(|f| f.code), Err(FaultCode::NotAnEmail), "{text}");
        }
    }
}
