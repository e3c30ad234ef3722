use std::time::Duration;

use super::{Auth, Condition};
use crate::mapping::part::{names, parts, tagged};
use crate::mapping::value::Object;
use crate::mapping::{FieldPath, Value};

parts! {
    /// Where records come from.
    pub struct Source {
        /// An API, a file, or standard input.
        "type" kind: SourceKind = SourceKind::Http;
        /// The API's name, for people.
        "api_name" api_name: String = String::new();
        /// The address before every path.
        "base_url" base_url: String = String::new();
        /// The method that lists records.
        "method" method: String = "GET".to_owned();
        /// The path that lists records; `{name}` is filled from the parent.
        "path" path: String = String::new();
        /// Parameters of the query.
        "params" params: Object = Object::new();
        /// Headers to send.
        "headers" headers: Object = Object::new();
        /// The body to send, for APIs that list by POST.
        "body" body: Option<Value> = None;
        /// Where in the answer the records are, like `data[]`; without it, the answer is one record or an array.
        "records" records: Option<FieldPath> = None;
        /// The field that names a record.
        "id_field" id_field: Option<FieldPath> = None;
        /// How requests prove who sends them.
        "auth" auth: Auth = Auth::default();
        /// How to get all pages.
        "pagination" pagination: Pagination = Pagination::default();
        /// How to get only what changed.
        "incremental" incremental: Option<Incremental> = None;
        /// The stream whose records this one is listed under.
        "parent" parent: Option<Parent> = None;
        /// How many requests are allowed.
        "rate_limit" rate_limit: Option<RateLimit> = None;
        /// What to do on certain answers; the first that applies counts.
        "responses" responses: Vec<ResponseRule> = Vec::new();
        /// What holds for a record that says that it is gone at the source.
        "deleted" deleted: Option<Condition> = None;
        /// The file, if the source is one.
        "file" file: Option<FileSource> = None;
    }
    /// One request gives everything.
    pub struct NoPages {}
    /// Pages by how many records to skip.
    pub struct OffsetPages {
        /// The parameter that takes the offset.
        "param" param: String;
        /// The first offset.
        "start" start: u64 = 0;
        /// The parameter that takes the page size.
        "size_param" size_param: Option<String> = None;
        /// The page size.
        "size" size: u64 = 100;
        /// Where the answer says how many records there are.
        "total" total: Option<FieldPath> = None;
        /// Where the parameters go.
        "in" place: ParamPlace = ParamPlace::Query;
    }
    /// Pages by number.
    pub struct PagePages {
        /// The parameter that takes the number.
        "param" param: String;
        /// The first number.
        "start" start: u64 = 1;
        /// The parameter that takes the page size.
        "size_param" size_param: Option<String> = None;
        /// The page size; a shorter page is the last.
        "size" size: Option<u64> = None;
        /// Where the answer says how many pages there are.
        "total_pages" total_pages: Option<FieldPath> = None;
        /// Where the parameters go.
        "in" place: ParamPlace = ParamPlace::Query;
    }
    /// Pages by a cursor that each answer gives.
    pub struct CursorPages {
        /// The parameter that takes the cursor.
        "param" param: String;
        /// Where the answer has the next cursor; missing, null or empty on the last page.
        "from" from: FieldPath;
        /// Where the answer says whether there are more pages.
        "has_more" has_more: Option<FieldPath> = None;
        /// The parameter that takes the page size.
        "size_param" size_param: Option<String> = None;
        /// The page size.
        "size" size: Option<u64> = None;
        /// Where the parameters go.
        "in" place: ParamPlace = ParamPlace::Query;
    }
    /// Pages by the header `Link`.
    pub struct LinkPages {
        /// The relation that leads on.
        "rel" rel: String = "next".to_owned();
        /// The parameter that takes the page size.
        "size_param" size_param: Option<String> = None;
        /// The page size.
        "size" size: Option<u64> = None;
    }
    /// Pages by an address that each answer gives.
    pub struct NextUrlPages {
        /// Where the answer has the address; missing, null or empty on the last page.
        "from" from: FieldPath;
        /// The parameter that takes the page size.
        "size_param" size_param: Option<String> = None;
        /// The page size.
        "size" size: Option<u64> = None;
    }
    /// Pages by a field of the last record: a time or an id, in rising order.
    pub struct KeysetPages {
        /// The parameter that takes the last value.
        "param" param: String;
        /// The field of the record.
        "field" field: FieldPath;
        /// The parameter that takes the page size.
        "size_param" size_param: Option<String> = None;
        /// The page size; a shorter page is the last.
        "size" size: Option<u64> = None;
        /// Where the parameters go.
        "in" place: ParamPlace = ParamPlace::Query;
    }
    /// How to get only what changed since the last run.
    pub struct Incremental {
        /// The field of the record that says when or with which number it changed.
        "field" field: FieldPath;
        /// What the field holds.
        "type" kind: IncrementalKind = IncrementalKind::Timestamp;
        /// The parameter that takes the last value; without it, older records are dropped after reading.
        "param" param: Option<String> = None;
        /// How a time is written: `iso8601`, `unix`, `unix_ms`, or a pattern.
        "format" format: String = "iso8601".to_owned();
        /// How far to look back, for APIs that show changes late.
        "lookback" lookback: Option<Duration> = None;
        /// Where to begin at the first run.
        "initial" initial: Option<Value> = None;
        /// Where the parameter goes.
        "in" place: ParamPlace = ParamPlace::Query;
    }
    /// A list of which each record has records of this stream under it.
    pub struct Parent {
        /// The method that lists the parents.
        "method" method: String = "GET".to_owned();
        /// The path that lists the parents.
        "path" path: String;
        /// Where in the answer the parents are.
        "records" records: Option<FieldPath> = None;
        /// Which field of the parent fills which `{name}` of this stream's path.
        "params" params: Object;
        /// How to get all parents.
        "pagination" pagination: Pagination = Pagination::default();
        /// Under which key of the record the parent is put, if it is wanted.
        "embed_as" embed_as: Option<String> = None;
    }
    /// How many requests are allowed in which time.
    pub struct RateLimit {
        /// How many requests.
        "requests" requests: u64;
        /// In which time.
        "per" per: Duration;
        /// How many at the same moment.
        "concurrent" concurrent: Option<u64> = None;
    }
    /// What to do on an answer of some kind.
    pub struct ResponseRule {
        /// Which answers; all that is given must hold.
        "when" when: When;
        /// What to do.
        "do" action: ResponseAction;
        /// How long to wait before another try, if the answer doesn't say.
        "after" after: Option<Duration> = None;
        /// How often to try again at most.
        "max_tries" max_tries: Option<u64> = None;
    }
    /// Which answers a rule is for.
    pub struct When {
        /// The status: 409, "4xx", or a list of them.
        "status" status: Option<Value> = None;
        /// The name of a header that is there.
        "header" header: Option<String> = None;
        /// A regular expression that the header matches.
        "header_matches" header_matches: Option<String> = None;
        /// What holds for the body.
        "body" body: Option<Condition> = None;
    }
    /// Records from a file or standard input.
    pub struct FileSource {
        /// The file; `-` is standard input.
        "path" path: String = "-".to_owned();
        /// How the records stand in it.
        "format" format: FileFormat = FileFormat::Auto;
        /// How it is compressed.
        "compression" compression: Compression = Compression::Auto;
    }
}

tagged! {
    /// How to get all pages of a list.
    pub enum Pagination by "kind" {
        /// There is one page.
        None(NoPages) = "none",
        /// By how many records to skip.
        Offset(OffsetPages) = "offset",
        /// By number.
        Page(PagePages) = "page",
        /// By a cursor that each answer gives.
        Cursor(CursorPages) = "cursor",
        /// By the header `Link`.
        LinkHeader(LinkPages) = "link_header",
        /// By an address that each answer gives.
        NextUrl(NextUrlPages) = "next_url",
        /// By a time or an id of the last record.
        Keyset(KeysetPages) = "keyset",
    }
}

names! {
    /// What kind of source it is.
    pub enum SourceKind {
        /// An HTTP API.
        Http = "http",
        /// A file.
        File = "file",
        /// Standard input.
        Stdin = "stdin",
    }
    /// Where a parameter goes.
    pub enum ParamPlace {
        /// Into the query.
        Query = "query",
        /// Into the body.
        Body = "body",
        /// Into a header.
        Header = "header",
    }
    /// What an incremental field holds.
    pub enum IncrementalKind {
        /// A time.
        Timestamp = "timestamp",
        /// A number that rises.
        Id = "id",
        /// A token that only the API understands.
        Opaque = "opaque",
    }
    /// What to do on an answer.
    pub enum ResponseAction {
        /// Take it as a success.
        Succeed = "succeed",
        /// Try again.
        Retry = "retry",
        /// Leave the record or page out and go on.
        Ignore = "ignore",
        /// Fail the record.
        Fail = "fail",
        /// Wait as the answer says, then try again.
        RateLimited = "rate_limited",
        /// Get a new token, then try again.
        Refresh = "refresh",
        /// Begin with the first page again, for cursors that expired.
        RestartPaging = "restart_paging",
    }
    /// How records stand in a file.
    pub enum FileFormat {
        /// Found out from the first bytes.
        Auto = "auto",
        /// One record a line.
        Ndjson = "ndjson",
        /// One array of records.
        Array = "array",
        /// One after another, however they are spaced.
        Concatenated = "concatenated",
        /// One record a row, with a row of names first; every value is a text.
        Csv = "csv",
    }
    /// How a file is compressed.
    pub enum Compression {
        /// By the end of the file's name.
        Auto = "auto",
        /// Not at all.
        None = "none",
        /// By gzip.
        Gzip = "gzip",
        /// By zstd.
        Zstd = "zstd",
    }
}
