//! One connection that several statements at once are sent along.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::{Database, Error, PoolClient};

/// One connection for statements that come close together and are quick: they are sent while others are still at
/// work on it, so that PostgreSQL goes on from one to the next without waiting for us in between. A slow one
/// would keep those behind it waiting.
pub struct Pipeline {
    database: Database,
    client: Mutex<Weak<PoolClient>>,
}

impl Pipeline {
    /// Nothing connects until the first statement.
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), client: Mutex::default() }
    }

    /// The connection that is in use, or else one of the pool, which has it back when nobody uses it any more.
    ///
    /// # Errors
    /// Those of [`Database::client`].
    pub async fn client(&self) -> Result<Arc<PoolClient>, Error> {
        let in_use = self.in_use().upgrade();
        if let Some(client) = in_use.filter(|client| client.is_sound()) {
            return Ok(client);
        }
        let client = Arc::new(self.database.client().await?);
        *self.in_use() = Arc::downgrade(&client);
        Ok(client)
    }

    fn in_use(&self) -> MutexGuard<'_, Weak<PoolClient>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
