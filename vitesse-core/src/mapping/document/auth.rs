use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::mapping::part::{Part, Reading, names, parts, tagged};
use crate::mapping::value::Object;
use crate::mapping::{Problems, Value};

tagged! {
    /// How requests prove who sends them. The credentials themselves come from the environment.
    pub enum Auth by "type" {
        /// Nothing is sent.
        None(NoAuth) = "none",
        /// A token in the header `Authorization`.
        Bearer(BearerAuth) = "bearer",
        /// A user name and a password.
        Basic(BasicAuth) = "basic",
        /// A key in a header, the query or a cookie.
        ApiKey(ApiKeyAuth) = "api_key",
        /// OAuth 2 between machines: a client id and secret become a token.
        OAuth2ClientCredentials(OAuth2Auth) = "oauth2_client_credentials",
        /// OAuth 2 for a user who agreed before: a refresh token becomes a token.
        OAuth2RefreshToken(OAuth2Auth) = "oauth2_refresh_token",
    }
}

parts! {
    /// No credentials.
    pub struct NoAuth {}
    /// A bearer token.
    pub struct BearerAuth {
        /// The word before the token.
        "prefix" prefix: String = "Bearer".to_owned();
    }
    /// A user name and a password.
    pub struct BasicAuth {}
    /// An API key.
    pub struct ApiKeyAuth {
        /// Where it goes.
        "in" place: KeyPlace = KeyPlace::Header;
        /// The name of the header, parameter or cookie.
        "name" name: String;
        /// What stands before the key, its space included.
        "prefix" prefix: String = String::new();
    }
    /// Where and how a token is asked for.
    pub struct OAuth2Auth {
        /// The address that gives tokens.
        "token_url" token_url: String;
        /// The scopes to ask for.
        "scopes" scopes: Vec<String> = Vec::new();
        /// The audience to ask for.
        "audience" audience: Option<String> = None;
        /// How the client id and secret are sent.
        "style" style: OAuth2Style = OAuth2Style::Basic;
        /// More fields of the token request.
        "params" params: Object = Object::new();
    }
}

names! {
    /// Where an API key goes.
    pub enum KeyPlace {
        /// Into a header.
        Header = "header",
        /// Into the query.
        Query = "query",
        /// Into a cookie.
        Cookie = "cookie",
    }
    /// How a client proves itself to the token address.
    pub enum OAuth2Style {
        /// By the header `Authorization`.
        Basic = "basic",
        /// By fields of the body.
        Body = "body",
    }
}

/// As the mapping document writes it, for records of other rooms.
impl Serialize for Auth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Auth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut reading = Reading::default();
        let auth = Self::read(&Value::deserialize(deserializer)?, &mut reading);
        match auth {
            Some(auth) if reading.problems.is_empty() => Ok(auth),
            _ => Err(de::Error::custom(Problems(reading.problems))),
        }
    }
}
