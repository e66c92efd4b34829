//! Who is on two full sides, and what is to become of each: known here, and nowhere in the bridge.

use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};

use super::facts::{COUNTRIES, Facts, TEXTS};

/// The fewest contacts of a side.
pub const FEWEST: usize = 100;
/// Of so many contacts of a side, [`UNCLEAR`] are unclear.
const ROUND: usize = 200;
const UNCLEAR: usize = 10;
/// So many in a round are on both sides.
const BOTH: usize = ROUND * 3 / 5;
/// In so many ways somebody is on both sides.
const WAYS: usize = 10;

/// What is to become of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Is on both sides, and it is clear who: the two records are linked.
    Linked,
    /// Is on one side only: is made on the other one.
    Made,
    /// May be one of several: nobody is linked, and a person is told.
    Left,
}

/// Somebody, with what each side knows of them.
#[derive(Debug)]
pub(super) struct Person {
    pub fate: Fate,
    pub wix: Option<Facts>,
    pub crm: Option<Facts>,
}

impl Person {
    /// What both sides are to have in the end.
    pub fn expected(&self) -> Facts {
        match (&self.wix, &self.crm) {
            (Some(wix), Some(crm)) => Facts::union(wix, crm),
            (one, other) => one.as_ref().or(other.as_ref()).cloned().unwrap_or_default(),
        }
    }
}

/// Everybody. Their place in the list is in their addresses and names.
#[derive(Default)]
pub(super) struct Cast {
    pub people: Vec<Person>,
    /// How many numbers were given out.
    phones: usize,
}

impl Cast {
    /// So many contacts on each side: three in five are on both, one in twenty is unclear.
    pub fn of(contacts: usize) -> Self {
        let mut cast = Self::default();
        let (rounds, both) = ((contacts / ROUND).max(1), contacts * 3 / 5);
        for number in 0..both {
            cast.add_pair(number);
        }
        for round in 0..rounds {
            cast.add_unclear(round);
        }
        for number in 0..contacts - both - rounds * UNCLEAR {
            cast.add_loners(number);
        }
        cast
    }

    /// How many there are of a fate.
    pub fn count(&self, fate: Fate) -> usize {
        self.people.iter().filter(|person| person.fate == fate).count()
    }

    /// Those who are on a side, in an order that has nothing to do with who they are.
    pub fn shuffled(&self, is_there: impl Fn(&Person) -> bool, seed: u64) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.people.len()).filter(|place| self.people.get(*place).is_some_and(&is_there)).collect();
        places.shuffle(&mut SmallRng::seed_from_u64(seed));
        places
    }

    /// Somebody on both sides: what each knows differs, and so does how they are recognised.
    fn add_pair(&mut self, number: usize) {
        let place = self.people.len();
        let (mut wix, mut crm) = texts_of_a_pair(place);
        let (main, second) = (email(place, "ada", "example.com"), email(place, "office", "example.org"));
        let (phone, other) = (self.phone(), self.phone());
        match number % WAYS {
            // Two of a family, with one phone and an address each.
            0 => {
                let shared = number.checked_sub(WAYS).filter(|_| number / WAYS % 2 == 1).and_then(|before| self.phone_of(before));
                let shared = shared.unwrap_or(phone);
                (wix.emails, crm.emails) = (vec![loudly(&main)], vec![main]);
                (wix.phones[0], crm.phones[0]) = (Some(shared.clone()), Some(shared));
            }
            1 => {
                (wix.emails, crm.emails) = (vec![main.clone()], vec![loudly(&main)]);
                (wix.phones[0], crm.phones[0]) = (Some(phone.clone()), Some(phone));
            }
            2 => {
                (wix.emails, crm.emails) = (vec![loudly(&main)], vec![main]);
                (wix.phones[0], crm.phones[1]) = (Some(phone), Some(other));
            }
            3 => {
                (wix.emails, crm.emails) = (vec![main.clone()], vec![main]);
                (wix.phones[0], crm.phones[0]) = (Some(phone), Some(other));
            }
            // By a second address, of either side.
            4 => (wix.emails, crm.emails) = (vec![main, second.clone()], vec![second]),
            5 if (number / WAYS).is_multiple_of(2) => (wix.emails, crm.emails) = (vec![main.clone()], vec![second, main]),
            5 => {
                let shared = email(place, "home", "example.net");
                (wix.emails, crm.emails) = (vec![main, shared.clone()], vec![second, shared]);
            }
            // By the phone alone.
            6 => (wix.phones[0], crm.phones[0]) = (Some(phone.clone()), Some(phone)),
            7 => (wix.phones, crm.phones[0]) = ([Some(phone), Some(other.clone())], Some(other)),
            8 => {
                wix.emails = vec![main];
                (wix.phones[0], crm.phones[0]) = (Some(phone.clone()), Some(phone));
            }
            _ => {
                crm.emails = vec![loudly(&main)];
                (wix.phones[0], crm.phones[1]) = (Some(phone.clone()), Some(phone));
            }
        }
        self.people.push(Person { fate: Fate::Linked, wix: Some(wix), crm: Some(crm) });
    }

    /// Ten contacts on each side that may be one or another: several records match one contact, and several contacts one record.
    fn add_unclear(&mut self, round: usize) {
        let place = self.people.len();
        let [one, other, third] = ["ann", "bo", "cy"].map(|who| Some(email(place, who, "example.net")));
        let [first, second, shared, fourth] = std::array::from_fn(|_| Some(self.phone()));
        let address = |email: &Option<String>| email.iter().cloned().collect::<Vec<_>>();
        // One contact, two records: by a shared phone, by two addresses, by a phone that one of them has beside an address.
        self.left(true, &[], first.clone());
        self.left(false, &[], first.clone());
        self.left(false, &[], first);
        self.left(true, &[address(&one), address(&other)].concat(), None);
        self.left(false, &address(&one), None);
        self.left(false, &address(&other), None);
        self.left(true, &[], second.clone());
        self.left(false, &[email(place, "di", "example.net")], second.clone());
        self.left(false, &[], second);
        // Two contacts, one record: a couple with one address, two with one phone, two with an address each and one phone.
        self.left(true, &address(&third), None);
        self.left(true, &address(&third), None);
        self.left(false, &address(&third), None);
        self.left(true, &[], shared.clone());
        self.left(true, &[], shared.clone());
        self.left(false, &[], shared);
        self.left(true, &[email(place, "ed", "example.net")], fourth.clone());
        self.left(true, &[email(place, "flo", "example.net")], fourth.clone());
        self.left(false, &[], fourth);
        // Somebody without an address, at the phone of somebody on both sides, who is recognised by theirs.
        for (is_in_wix, number) in [(true, round * BOTH + 1), (false, round * BOTH + 1 + WAYS)] {
            let phone = self.phone_of(number);
            self.left(is_in_wix, &[], phone);
        }
    }

    /// One on each side, who have nothing to do with each other, even where they share a phone.
    fn add_loners(&mut self, number: usize) {
        let shared = self.phone();
        for is_in_wix in [true, false] {
            let place = self.people.len();
            let mut facts = texts_of_a_loner(place);
            let (address, own) = (email(place, "eve", "example.com"), self.phone());
            match number % 5 {
                0 => (facts.emails, facts.phones[0]) = (vec![address], Some(own)),
                1 => facts.phones[0] = Some(own),
                2 => facts.emails = vec![loudly(&address)],
                3 => (facts.emails, facts.phones[0]) = (vec![address], Some(shared.clone())),
                _ => {}
            }
            self.add(Fate::Made, is_in_wix, facts);
        }
    }

    fn left(&mut self, is_in_wix: bool, emails: &[String], phone: Option<String>) {
        let texts = texts_of_a_loner(self.people.len()).texts;
        self.add(Fate::Left, is_in_wix, Facts { texts, emails: emails.to_vec(), phones: [phone, None] });
    }

    fn add(&mut self, fate: Fate, is_in_wix: bool, facts: Facts) {
        let (wix, crm) = if is_in_wix { (Some(facts), None) } else { (None, Some(facts)) };
        self.people.push(Person { fate, wix, crm });
    }

    /// A number that nobody had before.
    fn phone(&mut self) -> String {
        let number = self.phones;
        self.phones += 1;
        format!("+1646{}{:04}", 220 + number / 10_000, number % 10_000)
    }

    fn phone_of(&self, place: usize) -> Option<String> {
        self.people.get(place)?.wix.as_ref()?.phones.first()?.clone()
    }
}

/// The mark of the person at this place.
fn mark(place: usize) -> String {
    format!("p{place:06}")
}

/// Whose mark a text has.
pub(super) fn marked(text: &str) -> Option<usize> {
    let text = text.to_lowercase();
    text.match_indices('p').find_map(|(at, _)| text.get(at + 1..at + 7)?.parse().ok())
}

fn email(place: usize, who: &str, host: &str) -> String {
    format!("{}.{who}@{host}", mark(place))
}

/// The same address in other letters.
fn loudly(email: &str) -> String {
    email.to_uppercase()
}

/// What each side knows of somebody: some of it both, some of it one, and some of it in another way.
fn texts_of_a_pair(place: usize) -> (Facts, Facts) {
    let (mut wix, mut crm) = (Facts::default(), Facts::default());
    for (which, (name, _)) in TEXTS.into_iter().enumerate() {
        let (text, another) = (text(name, place, 0), text(name, place, 1));
        match mixed(place, which) % 4 {
            0 => {
                wix.texts.insert(name, text.clone());
                crm.texts.insert(name, text);
            }
            1 => drop(wix.texts.insert(name, text)),
            2 => drop(crm.texts.insert(name, text)),
            _ => {
                wix.texts.insert(name, text);
                crm.texts.insert(name, another);
            }
        }
    }
    (wix, crm)
}

/// What is known of somebody who is on one side; a mark is always in the name.
fn texts_of_a_loner(place: usize) -> Facts {
    let known = TEXTS.into_iter().enumerate().filter(|(which, (name, _))| *name == "lastname" || !mixed(place, *which).is_multiple_of(4));
    Facts { texts: known.map(|(_, (name, _))| (name, text(name, place, 0))).collect(), ..Facts::default() }
}

fn text(name: &str, place: usize, version: usize) -> String {
    let pick = |of: &[&str]| of.get((place + version) % of.len()).copied().unwrap_or_default().to_owned();
    match name {
        "firstname" => pick(&["Ada", "Ben", "Chloe", "Dmitri", "Elif", "Farah", "Grace"]),
        "lastname" => format!("{} {}", pick(&["Stone", "Rivers", "Woods"]), mark(place)),
        "company" => format!("{} {}", pick(&["Works", "Mills", "Looms"]), mark(place)),
        "jobtitle" => pick(&["Owner", "Buyer", "Designer", "Accountant"]),
        "date_of_birth" => format!("19{:02}-0{}-1{}", 50 + place % 50, 1 + (place + version) % 9, place % 10),
        "address" => format!("{} {} Street", 1 + (place + version) % 200, mark(place)),
        "city" => pick(&["London", "York", "Berlin", "Lyon", "Porto"]),
        "zip" => format!("{:05}", (place * 7 + version) % 100_000),
        _ => pick(&COUNTRIES.map(|[code, ..]| code)),
    }
}

/// A number that looks like chance.
fn mixed(place: usize, which: usize) -> usize {
    (place * TEXTS.len() + which + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_have_as_many_as_were_asked_for() {
        let cast = Cast::of(1_000);
        let on = |is_there: fn(&Person) -> bool| cast.shuffled(is_there, 1).len();
        assert_eq!((on(|person| person.wix.is_some()), on(|person| person.crm.is_some())), (1_000, 1_000));
        assert_eq!([Fate::Linked, Fate::Made, Fate::Left].map(|fate| cast.count(fate)), [600, 700, 100]);
    }

    #[test]
    fn a_mark_is_found_in_whatever_has_it() {
        assert_eq!([marked("Stone p000123"), marked("P000007.ADA@EXAMPLE.COM"), marked("Porto")], [Some(123), Some(7), None]);
    }
}
