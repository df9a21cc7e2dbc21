//! Authentication and authorization. The first argument of a protected operation is [`Reader`], [`Writer`],
//! [`Owner`] or [`Admin`]. It responds with 401 or 403 before the rest of the request is read.

mod authenticator;
mod caller;
pub(crate) mod passwords;
mod throttle;

use std::ops::Deref;

use poem::{Request, Result};
use poem_openapi::{
    SecurityScheme,
    auth::{Bearer, BearerAuthorization},
};
use store::{accounts::Role, tokens::Scope};

pub use authenticator::Authenticator;
pub(crate) use authenticator::TokenKind;
pub use caller::Caller;
pub(crate) use throttle::Throttle;

use crate::{error::ApiError, middleware::RequestId, telemetry};

macro_rules! deref_to_caller {
    ($($type:ty),+) => {
        $(impl Deref for $type {
            type Target = Caller;

            fn deref(&self) -> &Caller {
                &self.0
            }
        })+
    };
}

deref_to_caller!(Reader, Writer, Owner, Admin);

/// A token: of a session, which `POST /sessions` begins, or an API token, which `POST /tokens` makes.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "token", checker = "may_read")]
pub struct Reader(pub Caller);

/// A token that may be used to change things.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "token", checker = "may_write")]
pub struct Writer(pub Caller);

/// A session. An API token that leaks can neither make others nor take over its account.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "token", checker = "may_own")]
pub struct Owner(pub Caller);

/// A session or an API token of an admin; one to read is enough to read.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "token", checker = "may_manage")]
pub struct Admin(pub Caller);

async fn may_read(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Permission::Read).await?)
}

async fn may_write(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Permission::Write).await?)
}

async fn may_own(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Permission::Own).await?)
}

async fn may_manage(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Permission::Manage).await?)
}

/// Returns the calling admin, for an operation that can also be public.
pub(crate) async fn admin(request: &Request) -> Result<Caller, ApiError> {
    let bearer = Bearer::from_request(request).map_err(|_| ApiError::Unauthorized)?;
    check(request, &bearer, Permission::Manage).await
}

/// The permission that an operation requires.
#[derive(PartialEq, Eq)]
enum Permission {
    Read,
    Write,
    Own,
    Manage,
}

async fn check(
    request: &Request,
    bearer: &Bearer,
    required: Permission,
) -> Result<Caller, ApiError> {
    let authenticator =
        request.data::<Authenticator>().expect("`routes` sets it for every request");
    let holder = authenticator.authenticate(&bearer.token).await?;
    telemetry::set_account(holder.account_id);
    let writes = required == Permission::Write || !request.method().is_safe();
    if writes && holder.scope == Scope::Read {
        return Err(ApiError::Forbidden("this token may only read"));
    }
    match required {
        Permission::Own if !holder.is_session => {
            Err(ApiError::Forbidden("an API token may not do this: log in"))
        }
        Permission::Manage if holder.role != Role::Admin => {
            Err(ApiError::Forbidden("only admins may do this"))
        }
        Permission::Read | Permission::Write | Permission::Own | Permission::Manage => {
            Ok(Caller { holder, request_id: RequestId::of(request) })
        }
    }
}
