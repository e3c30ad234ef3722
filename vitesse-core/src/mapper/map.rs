use super::complexity::complexity;
use super::connect::{self, connect};
use super::draft::{Draft, Sides, drafts};
use super::hints::{Wishes, wishes};
use super::judge;
use super::matching::{Known, Matches, Record, match_fields};
use super::pairs::EndpointPair;
use super::proposal::{MappingProposal, Nearest, Note, Refused};
use super::request::MapRequest;
use super::side::{Resolved, Role, Side, field_path};
use super::{fill, review};
use crate::embed::Embedder;
use crate::error::{Error, Result};
use crate::mapping::{
    FieldPath, Functions, Mapping, RecordError, Step, TransformType, Transformation, VERSION,
};
use crate::transform::Plan;

/// How the mapper works. `MapperOptions::default()` suits most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapperOptions {
    /// Whether lines learned from earlier mappings count as evidence.
    pub use_learned: bool,
    /// Below this confidence, in thousandths, a line is proposed switched off.
    pub least_confidence: u16,
}

impl Default for MapperOptions {
    /// What was learned counts, and every line is switched on.
    fn default() -> Self {
        Self { use_learned: true, least_confidence: 0 }
    }
}

/// Two sides and the pairs that were found between them.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    pub(super) from: Resolved<'a>,
    pub(super) to: Resolved<'a>,
    pub(super) wishes: Wishes,
    pub(super) matches: Matches,
}

/// Proposes mappings, with the built-in model. Nothing leaves the machine.
#[derive(Clone, Debug)]
pub struct Mapper {
    pub(super) model: &'static Embedder,
    pub(super) options: MapperOptions,
    pub(super) functions: Functions,
}

impl Mapper {
    /// A mapper; the model is read at first use.
    ///
    /// # Errors
    /// `internal` if the built-in model is damaged.
    pub fn new() -> Result<Self> {
        Self::with_options(MapperOptions::default())
    }

    /// A mapper that works as the options say.
    ///
    /// # Errors
    /// `internal` if the built-in model is damaged.
    pub fn with_options(options: MapperOptions) -> Result<Self> {
        Ok(Self { model: Embedder::builtin()?, options, functions: Functions::builtin() })
    }

    /// With functions that the host program added: people may name them in lines. They are never proposed.
    #[must_use]
    pub fn with_functions(mut self, functions: Functions) -> Self {
        self.functions = functions;
        self
    }

    /// Proposes a mapping from a source to a destination. What it gives always compiles.
    ///
    /// If the two have too little in common, the mapping has no lines, and
    /// [`refused`](MappingProposal::refused) says why and which hints would help.
    ///
    /// # Errors
    /// `spec_invalid` for a side without a schema or fields; `invalid_input` for a hint, a constant or a
    /// constraint that names no field, with the nearest name; `mapping_invalid` for a wrong override.
    pub fn map(&self, source: Side<'_>, dest: Side<'_>, request: &MapRequest) -> Result<MappingProposal> {
        let found = self.find(&source, &dest, request, None)?;
        self.assemble(found, request, None, &[])
    }

    /// The pairs of fields alone, as [`matching`](super::matching) finds them: without conversions, groups taken
    /// apart. For those who measure or choose for themselves.
    ///
    /// # Errors
    /// As [`map`](Self::map).
    pub fn match_fields(&self, source: Side<'_>, dest: Side<'_>, request: &MapRequest) -> Result<Matches> {
        let mut source = Resolved::new(&source, Role::Source)?;
        let dest = Resolved::new(&dest, Role::Destination)?;
        let wishes = wishes(request, &mut source, &dest)?;
        self.matches(&source, &dest, request, &wishes)
    }

    pub(super) fn matches(
        &self,
        source: &Resolved<'_>,
        dest: &Resolved<'_>,
        request: &MapRequest,
        wishes: &Wishes,
    ) -> Result<Matches> {
        let fits = request.learned.iter().filter(|line| line.fits(source.api, dest.api));
        let learned: Vec<(String, String)> = match self.options.use_learned {
            true => fits.map(|line| (line.source_field.clone(), line.dest_field.clone())).collect(),
            false => Vec::new(),
        };
        let record = |side: &Resolved<'_>| (side.name.clone(), side.root);
        let ((from_name, from_root), (to_name, to_root)) = (record(source), record(dest));
        let from = Record { name: &from_name, schemas: &source.schemas, root: from_root };
        let to = Record { name: &to_name, schemas: &dest.schemas, root: to_root };
        let known = Known { intent: &request.intent, hints: &wishes.pairs, learned: &learned };
        match_fields(from, to, &known)
    }

    /// The pairs of two sides, without those that a person rejected in `previous`.
    pub(super) fn find<'a>(
        &self,
        source: &Side<'a>,
        dest: &Side<'a>,
        request: &MapRequest,
        previous: Option<&Mapping>,
    ) -> Result<Found<'a>> {
        let mut from = Resolved::new(source, Role::Source)?;
        let to = Resolved::new(dest, Role::Destination)?;
        let wishes = wishes(request, &mut from, &to)?;
        let mut matches = self.matches(&from, &to, request, &wishes)?;
        review::withhold(&mut matches, previous);
        Ok(Found { from, to, wishes, matches })
    }

    /// The proposal that pairs come to; lines of `previous` that were reviewed stay as they are. `told` are
    /// pairs that a language model chose.
    pub(super) fn assemble(
        &self,
        found: Found<'_>,
        request: &MapRequest,
        previous: Option<&Mapping>,
        told: &[(String, String)],
    ) -> Result<MappingProposal> {
        let Found { from, to, wishes, matches } = found;
        let sides = Sides { source: &from, dest: &to, model: self.model };
        let mut notes = wishes.notes.clone();
        let mut lines: Vec<Draft> = drafts(&matches, &sides, &mut notes);
        for draft in &mut lines {
            draft.say_who_chose(told);
        }
        for whole in wishes.whole(&sides) {
            // What is taken whole needs no lines for its parts, and a list of which an element is named none for each.
            lines.retain(|line| {
                let parts = whole.dest.contains(&line.dest) || line.dest.contains(&whole.dest);
                line.firm || !parts && !apart(&whole.dest, &line.dest)
            });
            lines.push(whole);
        }
        let mut lines: Vec<Transformation> = lines.iter().map(Draft::line).collect();
        fill::references(&mut lines, request, &sides);
        fill::learned(&mut lines, request, &sides, self.options.use_learned);
        for line in &mut lines {
            let sure = line.confidence.unwrap_or(1.0) * 1000.0;
            line.enabled = sure >= f64::from(self.options.least_confidence);
        }
        fill::constants(&mut lines, &wishes);
        review::keep(&mut lines, previous);
        let mut mapping =
            Mapping { version: VERSION, transformations: lines, ..previous.cloned().unwrap_or_default() };
        // An integration loses no record; by hand, the first failure is what one wants to see.
        if previous.is_none() && from.endpoint.is_some() && to.endpoint.is_some() {
            mapping.on_error = RecordError::DeadLetter;
        }
        let mut mapping = connect::filtered(mapping, &request.overrides)?;
        sound(&mut mapping, &mut notes);
        if mapping.transformations.iter().any(|line| line.enabled) {
            fill::obvious(&mut mapping, &sides);
        }
        let refused = refusal(&matches, &mapping);
        self.finish(mapping, &sides, request, Some(&matches), notes, refused)
    }

    /// Everything that is said of a mapping once its lines stand.
    pub(super) fn finish(
        &self,
        mut mapping: Mapping,
        sides: &Sides<'_>,
        request: &MapRequest,
        matches: Option<&Matches>,
        mut notes: Vec<Note>,
        refused: Option<Refused>,
    ) -> Result<MappingProposal> {
        let (mut facts, mut gaps) = (Vec::new(), Vec::new());
        if let (Some((source, from)), Some((dest, to))) = (sides.source.endpoint, sides.dest.endpoint) {
            let pair = EndpointPair { source: from, dest: to };
            let connected = connect(source, dest, &pair, &request.overrides)?;
            (facts, gaps) = (connected.evidence, connected.gaps);
            // Blocks that a person may have changed stay, unless they are for other endpoints.
            let path = |side: &Resolved<'_>| side.operation().map(|e| e.path.to_string()).unwrap_or_default();
            let paths = (path(sides.source), path(sides.dest));
            let same = (&mapping.source_endpoint, &mapping.dest_endpoint) == (&paths.0, &paths.1);
            if !same || mapping.source.is_none() || mapping.destination.is_none() {
                mapping.source = Some(connected.source);
                mapping.destination = Some(connected.destination);
            } else {
                mapping = connect::overridden(&mapping, &request.overrides)?;
                gaps.retain(|gap| !connect::answered(&mapping, gap));
            }
            (mapping.source_endpoint, mapping.dest_endpoint) = paths;
            if mapping.stream.is_empty() {
                mapping.stream = source.resource_of(from).map(|r| r.name.to_string()).unwrap_or_default();
            }
            review::written_keys(&mut mapping, &mut facts, &mut gaps);
        }
        // Lines were proven; the connection blocks are ours. What is wrong now is a fault of the mapper.
        Plan::compile(&mapping, &self.functions).map_err(|error| error.in_operation("mapper.map"))?;
        let needed = judge::needed(&mapping, sides.dest);
        let unmapped_required = match refused {
            Some(_) => Vec::new(),
            None => judge::unmapped(&needed, matches, sides.dest),
        };
        let may_be_empty = judge::may_be_empty(&needed, sides);
        let complexity_score = complexity(&mapping, unmapped_required.len());
        mapping.complexity_score = Some(complexity_score);
        let unused_source = judge::unused(&mapping, sides.source);
        notes.retain(|note| {
            let Some(field) = &note.field else { return true };
            mapping.transformations.iter().any(|line| line.dest_field.to_string() == *field)
                || note.message.contains("left out")
        });
        Ok(MappingProposal {
            transformation_count: mapping.transformations.iter().filter(|line| line.enabled).count(),
            mapping,
            complexity_score,
            unmapped_required,
            may_be_empty,
            unused_source,
            refused,
            facts,
            gaps,
            notes,
        })
    }
}

/// Takes out lines that stand in each other's way until the mapping compiles, the less sure ones first.
pub(super) fn sound(mapping: &mut Mapping, notes: &mut Vec<Note>) {
    while let Err(problems) = mapping.validate(&Functions::builtin()) {
        let sure = |at: &usize| {
            let line = &mapping.transformations[*at];
            (review::is_firm(line), (line.confidence.unwrap_or(1.0) * 1000.0) as i64)
        };
        let wrong = problems.0.iter().filter_map(|problem| Some((problem.line?, problem.message.clone())));
        let worst =
            wrong.filter(|(at, _)| *at < mapping.transformations.len()).min_by_key(|(at, _)| sure(at));
        let Some((at, message)) = worst else { return };
        let line = mapping.transformations.remove(at);
        notes.push(Note::on(&line.dest_field, format!("the line was left out: {message}")));
    }
}

/// Whether two paths take the same list apart in different ways: one by index, the other for each element.
fn apart(one: &FieldPath, other: &FieldPath) -> bool {
    let differing = one.steps().iter().zip(other.steps()).find(|(one, other)| one != other);
    matches!(differing, Some((Step::Index(_), Step::Each) | (Step::Each, Step::Index(_))))
}

fn refusal(matches: &Matches, mapping: &Mapping) -> Option<Refused> {
    let refusal = matches.refused.as_ref()?;
    // A constant is no sign of kinship; a line that a person kept is.
    let constant = |line: &Transformation| {
        line.transform_type == TransformType::Custom && line.source_field.paths.is_empty()
    };
    if mapping.transformations.iter().any(|line| line.enabled && !constant(line)) {
        return None;
    }
    let source = |s: usize| field_path(&matches.source[s].path).to_string();
    let dest = |d: usize| field_path(&matches.dest[d].path).to_string();
    let nearest = refusal.nearest.iter().map(|(s, d, confidence)| Nearest {
        source_field: source(*s),
        dest_field: dest(*d),
        confidence: f64::from(*confidence) / 1000.0,
    });
    Some(Refused {
        reason: refusal.reason.clone(),
        nearest: nearest.collect(),
        hints: refusal.hints_for.iter().map(|d| format!("?={}", dest(*d))).collect(),
    })
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(crate::ErrorKind::InvalidInput, message).in_operation("mapper.map")
}
