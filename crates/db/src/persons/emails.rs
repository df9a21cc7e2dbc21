//! The e-mail addresses of one person. Every change raises the person's version.

use deadpool_postgres::GenericClient;
use uuid::Uuid;

use super::Email;
use crate::Error;

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
    transaction: &impl GenericClient,
    person: Uuid,
    address: String,
) -> Result<Email, Error> {
    let id = Uuid::now_v7();
    let statement = transaction.prepare_cached(INSERT).await?;
    transaction.execute(&statement, &[&id, &person, &address]).await?;
    touch(transaction, person).await?;
    Ok(Email { id, address })
}

/// Takes an address from a person that the transaction has locked.
///
/// # Errors
/// [`Error::NotFound`] if the person does not have it.
pub async fn remove_email(
    transaction: &impl GenericClient,
    person: Uuid,
    id: Uuid,
) -> Result<(), Error> {
    let statement = transaction.prepare_cached(DELETE).await?;
    if transaction.execute(&statement, &[&person, &id]).await? == 0 {
        return Err(Error::NotFound);
    }
    touch(transaction, person).await
}

async fn touch(transaction: &impl GenericClient, person: Uuid) -> Result<(), Error> {
    let statement = transaction.prepare_cached(TOUCH).await?;
    transaction.execute(&statement, &[&person]).await?;
    Ok(())
}

/// Leaves the person exactly these addresses; one that it had in this very spelling keeps its id.
pub(super) async fn replace(
    transaction: &impl GenericClient,
    person: Uuid,
    addresses: &[String],
) -> Result<(), Error> {
    let statement = transaction.prepare_cached(DELETE_OTHERS).await?;
    transaction.execute(&statement, &[&person, &addresses]).await?;
    let ids: Vec<Uuid> = addresses.iter().map(|_| Uuid::now_v7()).collect();
    let statement = transaction.prepare_cached(INSERT_MISSING).await?;
    transaction.execute(&statement, &[&person, &ids, &addresses]).await?;
    Ok(())
}

pub(super) fn zip(ids: Vec<Uuid>, addresses: Vec<String>) -> Vec<Email> {
    ids.into_iter().zip(addresses).map(|(id, address)| Email { id, address }).collect()
}
