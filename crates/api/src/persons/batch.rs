//! Many persons at once, all or none.

use db::{Database, persons as rows};
use poem_openapi::{ApiResponse, Object, OpenApi, param::Header, types::Example};
use serde::{Deserialize, Serialize};
use web::{
    auth::Writer,
    error::{ApiError, FieldError},
    idempotency,
    json::Json,
    text::IdempotencyKey,
};

use super::{
    Tags,
    types::{CreatePerson, Person},
};

pub(crate) struct BatchApi {
    pub(crate) database: Database,
}

#[OpenApi(tag = "Tags::Persons")]
impl BatchApi {
    /// Create many persons
    ///
    /// All or none, in one transaction; an error names its item.
    #[oai(path = "/persons/batch", method = "post", operation_id = "createPersons")]
    async fn create(
        &self,
        caller: Writer,
        /// The request is done once, however often it is repeated with this key.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<IdempotencyKey>>,
        body: Json<CreatePersons>,
    ) -> Result<CreatePersonsResponse, ApiError> {
        let (new, by) = (body.0.rows()?, caller.0.by("createPersons"));
        let request =
            |key: IdempotencyKey| idempotency::Request::new(&caller, &key, by.action, &body.0);
        let request = idempotency_key.0.map(request).transpose()?;
        db::retry(|| async {
            let transaction = self.database.begin().await?;
            if let Some(request) = &request
                && let Some(persons) = request.answered(&transaction).await?
            {
                return Ok(CreatePersonsResponse::Created(Json(persons)));
            }
            let new = new.iter().map(|new| (by.clone(), new.clone())).collect();
            let stored = rows::insert_many(&transaction, new).await?;
            let persons = PersonList { items: stored.into_iter().map(Person::from).collect() };
            if let Some(request) = &request {
                request.keep(&transaction, &persons).await?;
            }
            transaction.commit().await?;
            Ok(CreatePersonsResponse::Created(Json(persons)))
        })
        .await
    }
}

/// Persons to be created together.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
struct CreatePersons {
    /// 1 to 1,000 persons.
    #[oai(validator(min_items = 1, max_items = 1000))]
    items: Vec<CreatePerson>,
}

impl Example for CreatePersons {
    fn example() -> Self {
        Self { items: vec![CreatePerson::example()] }
    }
}

impl CreatePersons {
    /// The rows to store.
    ///
    /// # Errors
    /// [`ApiError::Conflict`] with every address of every item that is given twice.
    fn rows(&self) -> Result<Vec<rows::NewPerson>, ApiError> {
        let (mut rows, mut errors) = (Vec::new(), Vec::<FieldError>::new());
        for (index, person) in self.items.iter().enumerate() {
            match person.row(&format!("/items/{index}")) {
                Ok(row) => rows.push(row),
                Err(ApiError::Conflict(twice)) => errors.extend(twice),
                Err(error) => return Err(error),
            }
        }
        if errors.is_empty() { Ok(rows) } else { Err(ApiError::Conflict(errors)) }
    }
}

/// The persons that were created together.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
struct PersonList {
    /// In the order in which they were given.
    items: Vec<Person>,
}

impl Example for PersonList {
    fn example() -> Self {
        Self { items: vec![Person::example()] }
    }
}

#[derive(ApiResponse)]
enum CreatePersonsResponse {
    /// The persons as stored
    #[oai(status = 201)]
    Created(Json<PersonList>),
}
