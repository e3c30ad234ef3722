/// The known name closest to what was written, if one is close enough to be what was meant.
///
/// ```
/// use vitesse_core::error::nearest;
/// assert_eq!(nearest("emial", ["email", "phone"]), Some("email"));
/// assert_eq!(nearest("weather", ["email", "phone"]), None);
/// ```
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = written.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&folded, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= 0.8)
        // On equal scores the first name wins, so the answer doesn't depend on luck.
        .fold(None, |best: Option<(f64, &str)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, name)| name)
}

/// The same as a sentence to put behind an error.
///
/// ```
/// use vitesse_core::error::did_you_mean;
/// assert_eq!(did_you_mean("emial", ["email"]).unwrap(), "did you mean \"email\"?");
/// ```
pub fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(written, known).map(|name| format!("did you mean {name:?}?"))
}
