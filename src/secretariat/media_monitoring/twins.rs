//! The same story told by several outlets, or twice by one: near-duplicates by title and words, within a window. Pure.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::plain::words;

/// Words of a title below which the same title says nothing ("Plantão", "Previsão do tempo").
const ENOUGH_WORDS: usize = 4;
/// Bits of 64 by which the words of two tellings may differ.
const MOST_BITS: u32 = 14;
/// Share of the pairs of words that two titles must have in common, in hundredths.
const LEAST_SHARED: usize = 55;

/// What an item is compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    title: Vec<String>,
    pairs: BTreeSet<(String, String)>,
    /// Numbers of the title: another number is other news ("3 mortos", "5 mortos").
    numbers: BTreeSet<String>,
    simhash: u64,
}

/// An item of the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub id: Uuid,
    /// The first of its group.
    pub first: Uuid,
    pub print: Print,
}

/// Why two items are one story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    SameTitle,
    SharedWords,
}

impl Print {
    pub fn of(title: &str, excerpt: &str) -> Self {
        let in_title = words(title);
        let mut all = in_title.clone();
        all.extend(words(excerpt));
        Self::with_simhash(in_title, simhash(&all))
    }

    /// Of an item whose words were summed up before.
    pub fn kept(title: &str, simhash: u64) -> Self {
        Self::with_simhash(words(title), simhash)
    }

    fn with_simhash(title: Vec<String>, simhash: u64) -> Self {
        let pairs = title.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        let numbers = title.iter().filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).cloned().collect();
        Self { title, pairs, numbers, simhash }
    }

    pub const fn simhash(&self) -> u64 {
        self.simhash
    }
}

/// The first item of the window that tells the same, in the order of the window.
pub fn find<'a>(new: &Print, window: impl IntoIterator<Item = &'a Known>) -> Option<(Uuid, Because)> {
    window.into_iter().find_map(|known| same(new, &known.print).map(|because| (known.first, because)))
}

/// Whether two items tell the same, and why.
pub fn same(one: &Print, other: &Print) -> Option<Because> {
    if one.title.len() < ENOUGH_WORDS || other.title.len() < ENOUGH_WORDS || one.numbers != other.numbers {
        return None;
    }
    if one.title == other.title {
        return Some(Because::SameTitle);
    }
    // Bits first: most of the window is far, and pairs take a thousand times as long.
    if (one.simhash ^ other.simhash).count_ones() > MOST_BITS {
        return None;
    }
    let both = one.pairs.intersection(&other.pairs).count();
    let either = one.pairs.len() + other.pairs.len() - both;
    (both * 100 >= either * LEAST_SHARED).then_some(Because::SharedWords)
}

/// 64 bits of which most stay when few words change: each word and each pair votes for the bits of its own sum.
fn simhash(words: &[String]) -> u64 {
    let mut votes = [0_i32; 64];
    let mut vote = |bits: u64| {
        for (at, vote) in votes.iter_mut().enumerate() {
            *vote += if (bits >> at) & 1 == 1 { 1 } else { -1 };
        }
    };
    for word in words {
        vote(sum(&[word]));
    }
    for pair in words.windows(2) {
        vote(sum(&[&pair[0], &pair[1]]));
    }
    votes.iter().enumerate().fold(0, |bits, (at, vote)| if *vote > 0 { bits | (1 << at) } else { bits })
}

/// The same on every machine and in every version: it is kept in the database.
fn sum(words: &[&String]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in words.iter().flat_map(|word| word.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // The low bits of the sum alone would be alike for short words.
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(title: &str, excerpt: &str) -> Print {
        Print::of(title, excerpt)
    }

    const EXCERPT: &str =
        "O Rio Paraibuna subiu dois metros na madrugada e a Defesa Civil retirou famílias do bairro Industrial";

    #[test]
    fn one_story_told_twice_is_found() {
        let first = print("Chuva forte deixa famílias desalojadas no bairro Industrial", EXCERPT);
        let again = print("CHUVA FORTE deixa famílias desalojadas no bairro Industrial!", "");
        assert_eq!(same(&first, &again), Some(Because::SameTitle));
        let other = print("Chuva forte deixa famílias desalojadas no bairro Industrial, diz prefeitura", EXCERPT);
        assert_eq!(same(&first, &other), Some(Because::SharedWords));
        assert_eq!(same(&other, &first), Some(Because::SharedWords));
    }

    #[test]
    fn other_news_are_not() {
        let three = print("Deslizamento deixa 3 mortos no bairro Industrial", EXCERPT);
        assert_eq!(same(&three, &print("Deslizamento deixa 5 mortos no bairro Industrial", EXCERPT)), None);
        assert_eq!(same(&three, &print("Feira de livros abre no centro no sábado", "Livros e autores")), None);
        let forecast = print("Previsão do tempo", EXCERPT);
        assert_eq!(same(&forecast, &forecast), None, "a title of three words says nothing");
    }

    #[test]
    fn the_group_is_that_of_the_first() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let title = "Chuva forte deixa famílias desalojadas no bairro Industrial";
        let known = [Known { id: b, first: a, print: print(title, EXCERPT) }];
        assert_eq!(find(&print(title, ""), &known), Some((a, Because::SameTitle)));
        assert_eq!(find(&print("Prefeitura abre edital de cultura", ""), &known), None);
    }

    #[test]
    fn what_is_kept_of_a_print_gives_it_again() {
        let whole = print("Chuva forte deixa famílias desalojadas", EXCERPT);
        assert_eq!(Print::kept("Chuva forte deixa famílias desalojadas", whole.simhash()), whole);
        assert_eq!(simhash(&[]), 0);
    }
}
