//! Tests the client against a running API: `API_URL=… API_TOKEN=… cargo test`.

use api_client::{Client, Error, connect, types::CreatePerson};

/// Connects to the API with the token, or as an anonymous client.
fn api(token: Option<&str>) -> Client {
    let url = std::env::var("API_URL").unwrap_or_else(|_| "http://localhost:5000".to_owned());
    connect(&url, token).expect("a client")
}

fn member() -> Client {
    api(Some(&std::env::var("API_TOKEN").expect("set API_TOKEN to the token of a member")))
}

#[tokio::test]
async fn a_created_person_is_found_and_changed() {
    let (api, emails) = (member(), vec!["ada@example.com".parse().expect("an address")]);
    let ada = CreatePerson::builder().name("Ada Lovelace").emails(emails);
    let created = api.create_person().body(ada).send().await.expect("a person");
    assert_eq!(created.status(), 201);
    let found = api.get_person().id(created.id).send().await.expect("the person");
    assert_eq!((found.id, &found.name), (created.id, &created.name));
    let etag = found.headers()["etag"].to_str().expect("ASCII").to_owned();
    let change = api.update_person().id(found.id).if_match(etag);
    let change = change.body_map(|person| person.nickname("Countess".parse().ok()));
    let changed = change.send().await.expect("the person");
    assert_eq!(changed.nickname.as_deref(), Some("Countess"));
}

#[tokio::test]
async fn list_respects_the_limit() {
    let page = member().list_persons().limit(1).send().await.expect("a page");
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn error_response_names_the_invalid_field() {
    let invalid = CreatePerson::builder().name("Ada Lovelace").emails(vec![]);
    let Err(Error::ErrorResponse(refused)) = member().create_person().body(invalid).send().await
    else {
        panic!("a person without an address was not rejected");
    };
    assert_eq!(refused.status(), 422);
    assert_eq!(refused.errors[0].pointer.as_deref(), Some("/emails"));
    let Err(Error::ErrorResponse(anonymous)) = api(None).list_persons().send().await else {
        panic!("an anonymous client was not rejected");
    };
    assert_eq!(anonymous.code, "unauthorized");
}

#[test]
fn invalid_email_does_not_parse() {
    assert!("not an address".parse::<api_client::types::CreatePersonEmailsItem>().is_err());
}
