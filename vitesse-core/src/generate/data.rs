//! What records are made of. Nobody here exists; the hosts end in `.example`, which can't be registered.

/// First names, as written and in plain letters for addresses.
pub(super) const FIRST: &[(&str, &str)] = &[
    ("Ada", "ada"),
    ("José", "jose"),
    ("Søren", "soren"),
    ("Zoë", "zoe"),
    ("Łukasz", "lukasz"),
    ("Amélie", "amelie"),
    ("Jürgen", "jurgen"),
    ("Mia", "mia"),
    ("Noah", "noah"),
    ("Aylin", "aylin"),
    ("Nguyễn Anh", "anh.nguyen"),
    ("美咲", "misaki"),
    ("Олена", "olena"),
    ("Fatima", "fatima"),
    ("Priya", "priya"),
    ("Jean-Luc", "jean-luc"),
    ("Grace", "grace"),
    ("Kwame", "kwame"),
    ("Ines", "ines"),
    ("Hüseyin", "huseyin"),
];

/// Last names, the same way.
pub(super) const LAST: &[(&str, &str)] = &[
    ("Lovelace", "lovelace"),
    ("García", "garcia"),
    ("Ångström", "angstrom"),
    ("O'Brien", "obrien"),
    ("Müller", "mueller"),
    ("Nowak", "nowak"),
    ("van den Berg", "vandenberg"),
    ("Dubois", "dubois"),
    ("Smith", "smith"),
    ("Okafor", "okafor"),
    ("佐藤", "sato"),
    ("Шевченко", "shevchenko"),
    ("Haddad", "haddad"),
    ("Kowalska", "kowalska"),
    ("Rossi", "rossi"),
    ("Yılmaz", "yilmaz"),
    ("Jensen", "jensen"),
    ("Patel", "patel"),
];

/// Companies with their hosts.
pub(super) const COMPANIES: &[(&str, &str)] = &[
    ("Fjord & Co", "fjord-co.example"),
    ("Acme GmbH", "acme.example"),
    ("Café Central", "cafe-central.example"),
    ("Blue Harbor Ltd", "blueharbor.example"),
    ("Nordlicht AG", "nordlicht.example"),
    ("Sakura 株式会社", "sakura.example"),
    ("Peña Hermanos S.A.", "pena.example"),
    ("Initech", "initech.example"),
    ("O'Neill \"Fast\" Freight", "oneill-freight.example"),
    ("Delta Foods", "deltafoods.example"),
];

/// Somewhere people live.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) street: &'static str,
    pub(super) city: &'static str,
    pub(super) region: &'static str,
    pub(super) zip: &'static str,
    pub(super) country: &'static str,
    pub(super) code: &'static str,
    pub(super) code3: &'static str,
    pub(super) phone: &'static str,
    pub(super) currency: &'static str,
    pub(super) zone: &'static str,
    pub(super) locale: &'static str,
    /// In millionths of a degree.
    pub(super) latitude: i32,
    pub(super) longitude: i32,
}

macro_rules! places {
    ($($street:literal $city:literal $region:literal $zip:literal $country:literal $code:literal $code3:literal
        $phone:literal $currency:literal $zone:literal $locale:literal $latitude:literal $longitude:literal;)+) => {
        pub(super) const PLACES: &[Place] = &[$(Place {
            street: $street, city: $city, region: $region, zip: $zip, country: $country, code: $code, code3: $code3,
            phone: $phone, currency: $currency, zone: $zone, locale: $locale, latitude: $latitude, longitude: $longitude,
        }),+];
    };
}

places! {
    "Storgata" "Oslo" "Oslo" "0150" "Norway" "NO" "NOR" "+4722" "NOK" "Europe/Oslo" "nb-NO" 59_913_900 10_752_200;
    "Hauptstraße" "München" "Bayern" "80331" "Germany" "DE" "DEU" "+4989" "EUR" "Europe/Berlin" "de-DE" 48_137_200 11_575_500;
    "Main Street" "Springfield" "IL" "62701" "United States" "US" "USA" "+1217" "USD" "America/Chicago" "en-US" 39_781_700 -89_650_100;
    "Rue de l'Église" "Lyon" "Rhône" "69001" "France" "FR" "FRA" "+334" "EUR" "Europe/Paris" "fr-FR" 45_764_000 4_835_700;
    "High Street" "Leeds" "West Yorkshire" "LS1 4AP" "United Kingdom" "GB" "GBR" "+44113" "GBP" "Europe/London" "en-GB" 53_800_800 -1_549_100;
    "Calle Mayor" "Málaga" "Andalucía" "29015" "Spain" "ES" "ESP" "+34952" "EUR" "Europe/Madrid" "es-ES" 36_721_300 -4_421_700;
    "本町" "京都市" "京都府" "600-8216" "Japan" "JP" "JPN" "+8175" "JPY" "Asia/Tokyo" "ja-JP" 35_011_600 135_768_100;
    "Rua do Ouro" "São Paulo" "SP" "01310-100" "Brazil" "BR" "BRA" "+5511" "BRL" "America/Sao_Paulo" "pt-BR" -23_550_500 -46_633_300;
    "King Street" "Toronto" "ON" "M5V 2T6" "Canada" "CA" "CAN" "+1416" "CAD" "America/Toronto" "en-CA" 43_653_200 -79_383_200;
    "Storgatan" "Göteborg" "Västra Götaland" "411 04" "Sweden" "SE" "SWE" "+4631" "SEK" "Europe/Stockholm" "sv-SE" 57_708_900 11_974_600;
}

pub(super) const PRODUCTS: &[&str] = &[
    "Lue «varm»",
    "Espresso cup",
    "Desk lamp 40 W",
    "Rain jacket",
    "Notebook A5",
    "Wanderschuhe",
    "Café filter",
    "抹茶",
    "Bike bell",
];

pub(super) const WORDS: &[&str] = &[
    "vip",
    "wholesale",
    "newsletter",
    "nørd",
    "returning",
    "priority",
    "beta",
    "retail",
    "été",
    "north",
    "partner",
    "online",
];

pub(super) const JOBS: &[&str] =
    &["Engineer", "Head of Sales", "Buyer", "Accountant", "CEO", "Support Agent"];

pub(super) const COLORS: &[&str] = &["red", "navy", "forest green", "white", "black", "amber"];

pub(super) const SENTENCES: &[&str] = &[
    "Please call before delivery.",
    "Prefers mail; never on Fridays.",
    "Ring twice – second floor, left.",
    "Ordered again after two years.",
    "Gift wrapping: yes!",
    "Livraison après 18 h, s'il vous plaît.",
    "Two boxes, one fragile.",
];
