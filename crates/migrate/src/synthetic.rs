//! Synthetic persons. Each is generated from its number, so the same number always gives the same person.

use chrono::{DateTime, Duration, Utc};
use db::bulk::Person;
use fake::{
    Fake, RngExt,
    faker::name::{de_de, en, fr_fr, it_it},
    rand::{SeedableRng, rngs::ChaCha8Rng},
};
use uuid::{Builder, Uuid};

/// The creation time of the first person: 2020-01-01, in milliseconds since 1970.
const FIRST_CREATED: i64 = 1_577_836_800_000;
/// The milliseconds between the creation times of two persons.
const INTERVAL: i64 = 10_000;
/// The seed of the random numbers. Another seed gives other persons.
const SEED: u64 = 0x5119_3541 << 32;
/// Reserved domains, to which no message can be delivered.
const DOMAINS: [&str; 5] =
    ["example.com", "example.org", "example.net", "mail.example", "office.example"];

/// Returns the person with this number.
pub(crate) fn person(number: u32) -> Person {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED + u64::from(number));
    let (first, last) = name(&mut rng);
    let nickname = rng.random_ratio(1, 4).then(|| first.chars().take(4).collect());
    // Most persons have one email address, and some have two or three.
    let count = [1, 1, 1, 1, 1, 1, 1, 2, 2, 3][rng.random_range(0..10)];
    let start = rng.random_range(0..DOMAINS.len());
    let local = local_part(&first, &last, number);
    let emails = (0..count).map(|index| {
        let domain = DOMAINS[(start + index) % DOMAINS.len()];
        format!("{local}@{domain}")
    });
    Person {
        emails: emails.collect(),
        id: id(number, rng.random()),
        name: format!("{first} {last}"),
        nickname,
        created_at: created_at(number),
    }
}

/// Returns the bounds of the ids of the first `count` persons.
pub(crate) fn ids(count: u32) -> (Uuid, Uuid) {
    (id(0, [0; 10]), id(count - 1, [0xff; 10]))
}

/// Returns the number of the person with this id.
pub(crate) fn number(id: Uuid) -> Option<u32> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    let milliseconds = i64::try_from(seconds * 1000).ok()? + i64::from(nanoseconds / 1_000_000);
    u32::try_from((milliseconds - FIRST_CREATED) / INTERVAL).ok()
}

fn id(number: u32, random: [u8; 10]) -> Uuid {
    let milliseconds = created_at(number).timestamp_millis().unsigned_abs();
    Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
}

fn created_at(number: u32) -> DateTime<Utc> {
    let first = DateTime::from_timestamp_millis(FIRST_CREATED).expect("in range");
    first + Duration::milliseconds(INTERVAL * i64::from(number))
}

fn name(rng: &mut ChaCha8Rng) -> (String, String) {
    match rng.random_range(0..10) {
        0 => (de_de::FirstName().fake_with_rng(rng), de_de::LastName().fake_with_rng(rng)),
        1 => (fr_fr::FirstName().fake_with_rng(rng), fr_fr::LastName().fake_with_rng(rng)),
        2 => (it_it::FirstName().fake_with_rng(rng), it_it::LastName().fake_with_rng(rng)),
        _ => (en::FirstName().fake_with_rng(rng), en::LastName().fake_with_rng(rng)),
    }
}

/// Returns the part before the @: the name in ASCII letters, and the number to make the address unique.
fn local_part(first: &str, last: &str, number: u32) -> String {
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(char::is_ascii_alphabetic);
        letters.map(|letter| letter.to_ascii_lowercase()).collect()
    };
    format!("{}.{}{number}", plain(first), plain(last))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn same_number_gives_the_same_person() {
        let first = person(0);
        assert_eq!(first, person(0));
        assert_eq!(first.created_at.to_rfc3339(), "2020-01-01T00:00:00+00:00");
        let text = format!("{} {:?} {:?}", first.name, first.nickname, first.emails);
        assert_eq!(text, r#"Ava Wintheiser None ["ava.wintheiser0@office.example"]"#);
    }

    #[test]
    fn ids_are_sorted_and_within_bounds() {
        let ids: Vec<_> = (0..1000).map(|number| person(number).id).collect();
        assert!(ids.is_sorted());
        let (first, last) = super::ids(1000);
        assert!(first <= ids[0] && ids[999] <= last && last < person(1000).id);
        assert_eq!(number(ids[999]), Some(999));
    }

    #[test]
    fn synthetic_persons_satisfy_the_schema() {
        let mut addresses = HashSet::new();
        for person in (0..20_000).map(person) {
            assert!((1..=200).contains(&person.name.chars().count()), "{person:?}");
            assert!(person.nickname.as_ref().is_none_or(|name| !name.is_empty()), "{person:?}");
            for address in person.emails {
                assert!(!address.starts_with('.') && !address.contains(".."), "{address}");
                assert!(addresses.insert(address.clone()), "{address} twice");
            }
        }
    }
}
