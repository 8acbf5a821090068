//! Where a Postgres database is, and who may use it. The address holds a password, so it never shows itself.

use std::{fmt, str::FromStr};

use sqlx::postgres::PgConnectOptions;

/// What an address may begin with.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
/// Parameters that an address may have after its `?`. An unknown one is refused: it may be a misspelled `password`.
const PARAMETERS: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];
/// How connections call themselves at the server, unless the address says otherwise.
const APPLICATION: &str = "limn";

/// Address of a Postgres database, as in `postgres://user:password@host:5432/database?sslmode=require`.
///
/// What it leaves open is taken from the variables of Postgres clients, such as `PGPASSWORD` and `PGPASSFILE`. Shown,
/// it is the name of the database and where it is: never a user, a password or a parameter.
#[derive(Clone)]
pub struct Address {
    options: Box<PgConnectOptions>,
    given: String,
}

/// Why a text is no address. Tells nothing of the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(String);

impl Address {
    /// How to connect.
    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.given == other.given
    }
}

impl Eq for Address {}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let refused = |what: &str| AddressError(what.to_owned());
        let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or_else(|| refused("must start with postgres://"))?;
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let path = place.split_once('/').map_or("", |(_, path)| path);
        // A password that is not encoded would be taken for a database or a host, and be shown.
        if text.contains('#') || path.contains('@') {
            return Err(refused(
                "must have @ / ? # : and % in its password percent-encoded",
            ));
        }
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
            let is_known =
                PARAMETERS.contains(&name) || name.starts_with("options[") || name.starts_with("options%5B");
            if !is_known {
                return Err(refused("must have no parameters but those of Postgres clients"));
            }
        }
        let options: PgConnectOptions = text
            .parse()
            .map_err(|error: sqlx::Error| AddressError(format!("must be an address: {error}")))?;
        let options = match options.get_application_name() {
            Some(_) => options,
            None => options.application_name(APPLICATION),
        };
        Ok(Self {
            options: Box::new(options),
            given: text.to_owned(),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without a name, the server takes that of the user.
        let name = self.options.get_database().unwrap_or("of the user");
        match self.options.get_socket() {
            Some(socket) => write!(f, "database {name} at {}", socket.display()),
            None => write!(
                f,
                "database {name} at {}:{}",
                self.options.get_host(),
                self.options.get_port()
            ),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_the_place_and_no_secret() {
        let text =
            "postgres://ada:ses%40me@db.example.org:6432/limn?sslmode=require&options[search_path]=drawn";
        let address: Address = text.parse().unwrap();
        assert_eq!(address.to_string(), "database limn at db.example.org:6432");
        assert_eq!(
            format!("{address:?}"),
            "Address(database limn at db.example.org:6432)"
        );
        assert_eq!(address.options().get_application_name(), Some("limn"));
        let local: Address = "postgresql:///limn?host=/run/postgresql".parse().unwrap();
        assert_eq!(local.to_string(), "database limn at /run/postgresql");
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for text in [
            "",
            "mysql://ada:sesame@db/limn",
            "ada:sesame@db/limn",
            "postgres://ada:12/sesame@db/limn",
            "postgres://ada:se#same@db/limn",
            "postgres://ada:sesame@db:port/limn",
            "postgres://ada@db/limn?pasword=sesame",
            "postgres://ada@db/limn?sslmode=sometimes",
        ] {
            let refused = text.parse::<Address>().unwrap_err().to_string();
            assert!(refused.starts_with("must "), "{refused}");
            assert!(!refused.contains("same") && !refused.contains("ada"), "{refused}");
        }
    }
}
