//! What speaks for a pair, for people.

use super::Evidence;
use super::choose::Candidate;
use super::evidence::Compared;
use super::field::Field;

/// What speaks for a pair, the strongest first; never empty.
pub(super) fn reasons(compared: &Compared, pair: &Candidate) -> Vec<Evidence> {
    let (s, d) = (&compared.source.fields[pair.source], &compared.dest.fields[pair.dest]);
    let own = |field: &Field| -> Vec<String> { field.own_words().map(str::to_owned).collect() };
    let (a, b) = (own(s), own(d));
    let shared: Vec<_> = a.iter().filter(|word| b.contains(word)).cloned().collect();
    let mut reasons = if pair.together { vec![Evidence::Together] } else { Vec::new() };
    reasons.push(if a == b {
        Evidence::SameName(a.join(" "))
    } else if shared.is_empty() {
        Evidence::NearMeaning(a.join(" "), b.join(" "))
    } else {
        Evidence::SharedWords(shared.join(" "))
    });
    let [.., description, values, _generated, _required, _apart] = pair.row;
    if values >= 400 {
        reasons.push(Evidence::Values);
    }
    if description >= 600 {
        reasons.push(Evidence::Description);
    }
    if pair.relations[8] >= 500 && !s.parent.is_empty() {
        reasons.push(Evidence::Neighbours);
    }
    reasons
}
