//! The e-mail addresses of one person. Every change raises the person's version.

use uuid::Uuid;

use super::Email;
use crate::{Connection, Error};

const INSERT: &str = "\
-- db::persons::add_email
INSERT INTO emails (id, person_id, address) VALUES ($1, $2, $3)";

const DELETE: &str = "\
-- db::persons::remove_email
DELETE FROM emails WHERE person_id = $1 AND id = $2";

const TOUCH: &str = "\
-- db::persons::touch
UPDATE persons SET version = version + 1, updated_at = now() WHERE id = $1";

const DELETE_OTHERS: &str = "\
-- db::persons::delete_other_emails
DELETE FROM emails WHERE person_id = $1 AND address <> ALL ($2::text[])";

const INSERT_MISSING: &str = "\
-- db::persons::insert_missing_emails
INSERT INTO emails (id, person_id, address)
SELECT id, $1, address FROM unnest($2::uuid[], $3::text[]) AS given (id, address)
WHERE address NOT IN (SELECT address FROM emails WHERE person_id = $1)";

/// Adds an address to a person that the transaction has locked.
///
/// # Errors
/// [`Error::Duplicate`] with [`super::EMAIL_KEY`] if the person has it.
pub async fn add_email(
    transaction: &dyn Connection,
    person: Uuid,
    address: String,
) -> Result<Email, Error> {
    let id = Uuid::now_v7();
    transaction.execute(INSERT, &[&id, &person, &address]).await?;
    touch(transaction, person).await?;
    Ok(Email { id, address })
}

/// Takes an address from a person that the transaction has locked.
///
/// # Errors
/// [`Error::NotFound`] if the person does not have it.
pub async fn remove_email(
    transaction: &dyn Connection,
    person: Uuid,
    id: Uuid,
) -> Result<(), Error> {
    if transaction.execute(DELETE, &[&person, &id]).await? == 0 {
        return Err(Error::NotFound);
    }
    touch(transaction, person).await
}

async fn touch(transaction: &dyn Connection, person: Uuid) -> Result<(), Error> {
    transaction.execute(TOUCH, &[&person]).await?;
    Ok(())
}

/// Leaves the person exactly these addresses; one that it had in this very spelling keeps its id.
pub(super) async fn replace(
    transaction: &dyn Connection,
    person: Uuid,
    addresses: &[String],
) -> Result<(), Error> {
    transaction.execute(DELETE_OTHERS, &[&person, &addresses]).await?;
    let ids: Vec<Uuid> = addresses.iter().map(|_| Uuid::now_v7()).collect();
    transaction.execute(INSERT_MISSING, &[&person, &ids, &addresses]).await?;
    Ok(())
}
