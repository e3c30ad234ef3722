//! Records of real APIs that have nothing to do with each other get no mapping, and the answer says why.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[path = "../ingestor/corpus.rs"]
#[expect(dead_code, reason = "chosen descriptions are read here, no sample")]
mod corpus;
mod published;

use serde_json::{Map, Value, json};
use vitesse_core::mapper::matching::{Known, Matches, Record, match_fields, read_json_schema};

/// Records in the shapes of public APIs, each about something else. A field is `path` or `path:type`.
const RECORDS: &[(&str, &str)] = &[
    (
        "Weather report",
        "id:integer name dt:integer timezone:integer visibility:integer coord.lon:number coord.lat:number \
         main.temp:number main.feels_like:number main.pressure:number main.humidity:number wind.speed:number \
         wind.deg:number clouds.all:integer sys.sunrise:integer sys.sunset:integer weather[].description weather[].icon",
    ),
    (
        "Order",
        "id:integer order_number:integer created_at updated_at currency subtotal_price total_tax total_price \
         financial_status customer.id:integer customer.email customer.first_name line_items[].sku \
         line_items[].quantity:integer line_items[].price shipping_address.address1 shipping_address.zip note",
    ),
    (
        "Chess game",
        "id rated:boolean variant speed perf createdAt:integer lastMoveAt:integer status players.white.rating:integer \
         players.black.rating:integer winner opening.eco opening.ply:integer moves clock.initial:integer \
         clock.increment:integer",
    ),
    (
        "Virtual machine",
        "InstanceId ImageId InstanceType LaunchTime Placement.AvailabilityZone Placement.Tenancy PrivateIpAddress \
         PublicIpAddress SubnetId VpcId Architecture Hypervisor EbsOptimized:boolean CpuOptions.CoreCount:integer \
         BlockDeviceMappings[].DeviceName SecurityGroups[].GroupId",
    ),
    (
        "Track",
        "id name uri href popularity:integer duration_ms:integer explicit:boolean disc_number:integer \
         track_number:integer preview_url album.release_date album.total_tracks:integer artists[].name \
         artists[].genres external_ids.isrc available_markets[]",
    ),
    (
        "Earthquake",
        "id properties.mag:number properties.place properties.time:integer properties.felt:integer \
         properties.alert properties.tsunami:integer properties.sig:integer properties.magType \
         properties.gap:number properties.dmin:number geometry.coordinates[]:number",
    ),
    (
        "Recipe",
        "id:integer title image servings:integer readyInMinutes:integer vegan:boolean glutenFree:boolean \
         healthScore:number extendedIngredients[].aisle extendedIngredients[].measures.metric.unitShort cuisines[] \
         diets[] instructions spoonacularScore:number",
    ),
    (
        "DNS record",
        "id zone_id zone_name name type content proxied:boolean proxiable:boolean ttl:integer locked:boolean \
         meta.auto_added:boolean data.priority:integer data.weight:integer created_on modified_on",
    ),
    (
        "Heart rate series",
        "dateTime value.restingHeartRate:integer value.heartRateZones[].min:integer \
         value.heartRateZones[].max:integer value.heartRateZones[].caloriesOut:number \
         value.heartRateZones[].minutes:integer intraday.datasetInterval:integer",
    ),
    (
        "Stock quote",
        "symbol open:number high:number low:number close:number volume:integer latestTradingDay previousClose:number \
         changePercent:number week52High:number week52Low:number peRatio:number marketCap:integer exchange",
    ),
    (
        "Commit",
        "sha node_id message author.login committer.login tree.sha parents[].sha verification.verified:boolean \
         verification.signature stats.additions:integer stats.deletions:integer files[].filename files[].patch \
         comment_count:integer",
    ),
    (
        "Football match",
        "id:integer utcDate matchday:integer stage group homeTeam.name awayTeam.name score.fullTime.home:integer \
         score.fullTime.away:integer score.halfTime.home:integer referees[].nationality venue attendance:integer \
         season.currentMatchday:integer",
    ),
];

fn schema(fields: &str) -> Value {
    let mut root = json!({"type": "object"});
    for field in fields.split_whitespace() {
        let (path, kind) = field.split_once(':').unwrap_or((field, "string"));
        let mut at = &mut root;
        for name in path.split('.') {
            let properties =
                at.as_object_mut().unwrap().entry("properties").or_insert(Value::Object(Map::new()));
            let bare = name.trim_end_matches("[]");
            at = properties.as_object_mut().unwrap().entry(bare).or_insert(json!({}));
            if name.ends_with("[]") {
                at = at.as_object_mut().unwrap().entry("items").or_insert(json!({}));
            }
        }
        at["type"] = json!(kind);
    }
    root
}

fn matches(source: (&str, &str), dest: (&str, &str)) -> Matches {
    let ((left, from), (right, to)) =
        (read_json_schema(&schema(source.1)), read_json_schema(&schema(dest.1)));
    let source = Record { name: source.0, schemas: &left, root: from };
    let dest = Record { name: dest.0, schemas: &right, root: to };
    match_fields(source, dest, &Known::default()).unwrap()
}

fn lines(matches: &Matches) -> Vec<String> {
    let line = |pair: &vitesse_core::mapper::matching::Pair| {
        let (s, d) = (&matches.source[pair.source].path, &matches.dest[pair.dest].path);
        format!("{s} > {d} ({})", pair.confidence)
    };
    matches.pairs.iter().map(line).collect()
}

/// Every two of the records, both ways: 132 pairs.
fn unrelated() -> impl Iterator<Item = ((&'static str, &'static str), (&'static str, &'static str))> {
    RECORDS
        .iter()
        .flat_map(|source| RECORDS.iter().map(move |dest| (*source, *dest)).filter(|(s, d)| s.0 != d.0))
}

#[test]
fn unrelated_records_get_no_line_and_a_reason() {
    let mut wrong = Vec::new();
    for (source, dest) in unrelated() {
        let found = matches(source, dest);
        match &found.refused {
            Some(refusal) => {
                assert!(found.pairs.is_empty() && refusal.reason.contains("hint"));
                assert!(!refusal.hints_for.is_empty() && refusal.nearest.len() <= 5);
            }
            None => wrong.push(format!("{} > {}: {:?}", source.0, dest.0, lines(&found))),
        }
    }
    assert!(wrong.is_empty(), "{} of 132 were mapped:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn records_without_names_are_refused_too() {
    let wrong: Vec<String> = unrelated()
        .filter_map(|(source, dest)| {
            let found = matches(("", source.1), ("", dest.1));
            found.refused.is_none().then(|| format!("{} > {}: {:?}", source.0, dest.0, lines(&found)))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of 132 were mapped:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_record_is_related_to_itself_under_other_names() {
    let all: Vec<&str> = RECORDS
        .iter()
        .filter(|record| matches(**record, ("", record.1)).refused.is_some())
        .map(|record| record.0)
        .collect();
    assert!(all.is_empty(), "{all:?} were refused");
    let order = "remote_id number createdAt currencyCode totalAmount customerId customerEmail lines[].sku lines[].unitPrice";
    assert!(matches(RECORDS[1], ("Purchase", order)).refused.is_none());
}

#[test]
fn the_nearest_candidates_and_the_fields_that_hints_would_help_are_named() {
    let found = matches(RECORDS[0], RECORDS[1]);
    let refusal = found.refused.unwrap();
    assert!(refusal.nearest.iter().all(|(s, d, _)| *s < found.source.len() && *d < found.dest.len()));
    assert!(refusal.nearest.is_sorted_by_key(|(.., confidence)| std::cmp::Reverse(*confidence)));
    assert!(refusal.hints_for.iter().all(|d| !found.dest[*d].path.is_empty()));
}

/// Scores are integers, so these are the same on every platform; new weights change them, nothing else may.
#[test]
fn the_same_records_give_the_same_bytes_everywhere() {
    let order = "remote_id number createdAt currencyCode totalAmount customerId customerEmail lines[].sku lines[].unitPrice";
    let found = matches(RECORDS[1], ("Purchase", order));
    insta::assert_snapshot!(lines(&found).join("\n"), @r"
    created_at > createdAt (956)
    currency > currencyCode (955)
    customer.email > customerEmail (946)
    customer.id > customerId (945)
    line_items[].sku > lines[].sku (788)
    line_items[].price > lines[].unitPrice (537)
    order_number > number (930)
    id > remote_id (954)
    total_price > totalAmount (849)
    ");
}
