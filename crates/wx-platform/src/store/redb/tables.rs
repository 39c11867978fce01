//! What is where in the file.

use redb::{ReadTransaction, ReadableDatabase, Table, TableDefinition, WriteTransaction};

use super::disk::Trouble;
use crate::store::TokenKind;

/// A table of records, each in its [form](super::form).
pub(super) type Records<K> = TableDefinition<'static, K, &'static [u8]>;
/// What a secret is known by.
type Hash = &'static [u8; 32];

/// Which form the file has. Whoever changes a table or a form raises it, and opens older files by bringing them to the new form.
pub(super) const FORMAT: u64 = 1;

/// [`FORMAT`] and [`LAST_VERSION`].
pub(super) const NUMBERS: TableDefinition<'static, &'static str, u64> = TableDefinition::new("numbers");
/// In [`NUMBERS`]: the version that was given to a session last.
pub(super) const LAST_VERSION: &str = "last version";
const FORMAT_OF_FILE: &str = "format";

pub(super) const IDENTITY: Records<()> = TableDefinition::new("identity");
/// By the hash of the key.
pub(super) const HOST_KEYS: Records<Hash> = TableDefinition::new("host keys");
pub(super) const APPS: Records<&'static str> = TableDefinition::new("apps");
pub(super) const USERS: Records<&'static str> = TableDefinition::new("users");
/// By app, and the moment and the hash of the code: see [`fingerprint_of_code`](crate::store::fingerprint::fingerprint_of_code).
pub(super) const CODES: Records<(&'static str, Hash)> = TableDefinition::new("codes");
/// The keys of [`CODES`], after the millisecond when the code was given out.
pub(super) const CODES_BY_AGE: TableDefinition<'static, (u64, &'static str, Hash), ()> = TableDefinition::new("codes by age");
/// By app and openid.
pub(super) const SESSIONS: Records<(&'static str, &'static str)> = TableDefinition::new("sessions");
/// By the hash of the token.
pub(super) const TOKENS: Records<Hash> = TableDefinition::new("tokens");
/// The keys of [`TOKENS`], after the millisecond when the token expires.
pub(super) const TOKENS_BY_EXPIRY: TableDefinition<'static, (u64, Hash), ()> = TableDefinition::new("tokens by expiry");
/// The keys of [`TOKENS`] that are the newest, by app and [kind](number).
pub(super) const CURRENT_TOKENS: TableDefinition<'static, (&'static str, u8), Hash> = TableDefinition::new("current tokens");
/// By app and openid.
pub(super) const SOTER_KEYS: Records<(&'static str, &'static str)> = TableDefinition::new("soter keys");

/// A kind of token in a key.
pub(super) const fn number(kind: TokenKind) -> u8 {
    match kind {
        TokenKind::Plain => 0,
        TokenKind::Stable => 1,
    }
}

type RecordsMut<'t, K> = Table<'t, K, &'static [u8]>;

/// Every table, open in one write transaction.
pub(super) struct Tables<'t> {
    pub(super) numbers: Table<'t, &'static str, u64>,
    pub(super) identity: RecordsMut<'t, ()>,
    pub(super) host_keys: RecordsMut<'t, Hash>,
    pub(super) apps: RecordsMut<'t, &'static str>,
    pub(super) users: RecordsMut<'t, &'static str>,
    pub(super) codes: RecordsMut<'t, (&'static str, Hash)>,
    pub(super) codes_by_age: Table<'t, (u64, &'static str, Hash), ()>,
    pub(super) sessions: RecordsMut<'t, (&'static str, &'static str)>,
    pub(super) tokens: RecordsMut<'t, Hash>,
    pub(super) tokens_by_expiry: Table<'t, (u64, Hash), ()>,
    pub(super) current_tokens: Table<'t, (&'static str, u8), Hash>,
    pub(super) soter_keys: RecordsMut<'t, (&'static str, &'static str)>,
}

impl<'t> Tables<'t> {
    /// Opens them; makes those that are not there.
    pub(super) fn open(write: &'t WriteTransaction) -> Result<Self, redb::TableError> {
        Ok(Self {
            numbers: write.open_table(NUMBERS)?,
            identity: write.open_table(IDENTITY)?,
            host_keys: write.open_table(HOST_KEYS)?,
            apps: write.open_table(APPS)?,
            users: write.open_table(USERS)?,
            codes: write.open_table(CODES)?,
            codes_by_age: write.open_table(CODES_BY_AGE)?,
            sessions: write.open_table(SESSIONS)?,
            tokens: write.open_table(TOKENS)?,
            tokens_by_expiry: write.open_table(TOKENS_BY_EXPIRY)?,
            current_tokens: write.open_table(CURRENT_TOKENS)?,
            soter_keys: write.open_table(SOTER_KEYS)?,
        })
    }
}

/// Sees to it that the file has [`FORMAT`] and every table. A file without any table is new.
pub(super) fn prepare(db: &redb::Database) -> Result<(), Trouble> {
    let read = db.begin_read()?;
    if read.list_tables()?.next().is_some() {
        return check_format(&read);
    }
    let write = db.begin_write()?;
    Tables::open(&write)?.numbers.insert(FORMAT_OF_FILE, FORMAT)?;
    write.commit()?;
    Ok(())
}

fn check_format(read: &ReadTransaction) -> Result<(), Trouble> {
    let numbers = match read.open_table(NUMBERS) {
        Err(redb::TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(Trouble::Damaged("the file is of something else".into())),
        Ok(numbers) => numbers,
    };
    match numbers.get(FORMAT_OF_FILE)?.map(|format| format.value()) {
        Some(FORMAT) => Ok(()),
        Some(format) => Err(Trouble::Damaged(format!("format {format} of the file, not {FORMAT}"))),
        None => Err(Trouble::Damaged("the file does not say which format it has".into())),
    }
}
